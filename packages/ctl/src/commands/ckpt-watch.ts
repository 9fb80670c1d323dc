/** `aisctl ckpt watch`: the changes of a checkpoint's sections as they come, a line or a document each. */
import { CheckpointService, type Gap, type SectionChange } from '@aisexec/ckpt';
import { assertAnswers } from '../connection.ts';
import { EXIT } from '../exit-codes.ts';
import { CALL_MS_MAX } from '../limits.ts';
import { bytesJson, bytesLine, type Format, jsonLine, oneLine, write } from '../output.ts';
import { diagnose } from '../problems.ts';

export interface WatchArguments {
  readonly socket: string;
  readonly format: Format;
  readonly checkpoint: string;
  /** undefined: all sections. */
  readonly section: string | undefined;
  /** Show the content after the change, up to 64 KiB. */
  readonly content: boolean;
  /** Ends after so many changes; undefined: goes on. */
  readonly count: number | undefined;
}

export async function watch(args: WatchArguments): Promise<number> {
  const { socket, format, section, count = Number.POSITIVE_INFINITY } = args;
  const bound = { timeoutMs: CALL_MS_MAX };
  await assertAnswers(socket, 'ckpt');
  await using service = await CheckpointService.connect({ socket, ...bound });
  await using checkpoint = await service.open(args.checkpoint, { write: false, ...bound });
  const watched = section === undefined ? checkpoint : checkpoint.section(section);
  const changes = watched.watch({ data: args.content, ...bound });
  await changes.ready;
  diagnose(`aisctl: watching ${oneLine(args.checkpoint)}\n`);
  let seen = 0;
  for await (const item of changes) {
    await write(format === 'json' ? jsonLine(itemJson(item)) : itemText(item));
    if (item.type === 'change') seen++;
    if (seen >= count) break;
  }
  return EXIT.ok;
}

function itemJson(item: SectionChange | Gap): Readonly<Record<string, unknown>> {
  if (item.type === 'gap') return { type: 'gap' };
  const { type, change, id, sequence, time, size, data } = item;
  return {
    ...{ type, change, id: bytesJson(id), sequence: String(sequence), time, size },
    data: data === null ? null : bytesJson(data),
  };
}

/** Time, sequence, what happened, size, section, content. */
function itemText(item: SectionChange | Gap): string {
  if (item.type === 'gap') return '-- changes are missing here --\n';
  const { change, id, sequence, time, size, data } = item;
  const name = id.length === 0 ? '(default)' : bytesLine(id);
  const content = data === null ? '' : ` ${bytesLine(data)}`;
  return `${time.toISOString()} ${sequence} ${change} ${size} ${name}${content}\n`;
}
