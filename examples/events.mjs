// Publish and subscribe: one order for everybody, and a loss is announced, never silent.
import { EventService, prefix } from '@aisexec/evt';

const events = await EventService.connect();
const channel = await events.open('orders', { create: true, publisher: true, subscriber: true });
const paid = channel.subscribe([prefix('paid.')]);
await paid.ready;

await channel.publish({ patterns: ['open.17'], data: Buffer.from('not for this filter') });
await channel.publish({ patterns: ['paid.17'], data: Buffer.from('42 EUR') });

for await (const item of paid) {
  console.log(item.type === 'lost' ? 'events are missing here' : Buffer.from(item.data).toString());
  break;
}
await events.close();
