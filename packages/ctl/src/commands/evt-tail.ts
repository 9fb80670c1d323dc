/** `aisctl evt tail`: the events of a channel, a line or a JSON document each, until it is interrupted. */
import { type EventItem, EventService, type FilterLike, type LostItem } from '@aisexec/evt';
import { assertAnswers } from '../connection.ts';
import { EXIT } from '../exit-codes.ts';
import { CALL_MS_MAX } from '../limits.ts';
import { bytesJson, bytesLine, type Format, jsonLine, oneLine, write } from '../output.ts';
import { diagnose } from '../problems.ts';

export interface TailArguments {
  readonly socket: string;
  readonly format: Format;
  readonly channel: string;
  readonly filters: readonly FilterLike[];
  readonly create: boolean;
  /** Ends after so many events; undefined: goes on. */
  readonly count: number | undefined;
}

export async function tail(args: TailArguments): Promise<number> {
  const { socket, format, filters, create, count = Number.POSITIVE_INFINITY } = args;
  const bound = { timeoutMs: CALL_MS_MAX };
  await assertAnswers(socket, 'evt');
  await using service = await EventService.connect({ socket, ...bound });
  await using channel = await service.open(args.channel, { create, subscriber: true, ...bound });
  const subscription = channel.subscribe(filters, bound);
  await subscription.ready;
  // Who publishes next, say a script, needs to know that nothing is missed from now on.
  diagnose(`aisctl: subscribed to ${oneLine(args.channel)}\n`);
  let seen = 0;
  for await (const item of subscription) {
    await write(format === 'json' ? jsonLine(itemJson(item)) : itemText(item));
    if (item.type === 'event') seen++;
    if (seen >= count) break;
  }
  return EXIT.ok;
}

function itemJson(item: EventItem | LostItem): Readonly<Record<string, unknown>> {
  if (item.type === 'lost') return { type: 'lost', count: item.count ?? null };
  const { type, id, priority, retentionMs, publisher, publishTime } = item;
  return {
    ...{ type, eventId: String(id), publishTime: timeText(publishTime), publisher, priority },
    ...{ retentionMs, patterns: item.patterns.map(bytesJson), data: bytesJson(item.data) },
  };
}

/** Time, id, priority, publisher, patterns, data. */
function itemText(item: EventItem | LostItem): string {
  if (item.type === 'lost')
    return `-- ${item.count ?? 'an unknown number of'} events lost here --\n`;
  const { id, priority, publisher, publishTime, patterns, data } = item;
  const from = publisher === '' ? '-' : oneLine(publisher);
  const about = patterns.map(bytesLine).join(' ');
  return `${timeText(publishTime)} ${id} ${priority} ${from} [${about}] ${bytesLine(data)}\n`;
}

function timeText(time: bigint): string {
  return new Date(Number(time / 1_000_000n)).toISOString();
}
