// A process that subscribes and says on its output what it reads: a line per item, the data or `lost`. The test
// stops it with a signal, so that its socket fills as that of any process that hangs.
import { EventService, textOf } from '@aisexec/evt';

const [socket, name] = process.argv.slice(2);
const service = await EventService.connect({ socket });
const channel = await service.open(name, { subscriber: true });
const subscription = channel.subscribe([], { bufferMax: 1_000_000 });
await subscription.ready;
process.stdout.write('ready\n');
for await (const item of subscription) {
  process.stdout.write(item.type === 'lost' ? 'lost\n' : `${textOf(item.data).trimEnd()}\n`);
}
