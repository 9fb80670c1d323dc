/** `aisctl evt publish`: one event into a channel. */
import { EventService, type SaEvtEventPriorityT } from '@aisexec/evt';
import { assertAnswers } from '../connection.ts';
import { EXIT } from '../exit-codes.ts';
import { CALL_MS_MAX } from '../limits.ts';
import { type Format, print } from '../output.ts';
import { inputBytes } from './input.ts';

export interface PublishArguments {
  readonly socket: string;
  readonly format: Format;
  readonly channel: string;
  /** Else standard input. */
  readonly data: string | undefined;
  readonly patterns: readonly string[];
  readonly priority: SaEvtEventPriorityT;
  readonly retentionMs: number;
  readonly publisher: string;
  readonly create: boolean;
}

export async function publish(args: PublishArguments): Promise<number> {
  const { socket, format, patterns, priority, retentionMs, publisher, create } = args;
  const bound = { timeoutMs: CALL_MS_MAX };
  await assertAnswers(socket, 'evt');
  await using service = await EventService.connect({ socket, ...bound });
  const { eventBytes } = await service.limits(bound);
  const data = await inputBytes(args.data, eventBytes);
  await using channel = await service.open(args.channel, { create, publisher: true, ...bound });
  const event = { patterns, priority, retentionMs, publisher, data };
  const id = await channel.publish(event, bound);
  await print(format, { eventId: String(id) }, () => `${id}\n`);
  return EXIT.ok;
}
