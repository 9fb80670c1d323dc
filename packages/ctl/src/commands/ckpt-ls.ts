/** `aisctl ckpt ls`: the checkpoints of the cluster, or the sections of one. */
import { CheckpointService, type SectionInfo } from '@aisexec/ckpt';
import { withAdmin } from '../admin.ts';
import { assertAnswers } from '../connection.ts';
import { EXIT } from '../exit-codes.ts';
import { CALL_MS_MAX } from '../limits.ts';
import { bytesJson, bytesLine, type Format, print, table } from '../output.ts';

interface CkptInspection {
  readonly checkpoints: readonly {
    readonly name: string;
    readonly linked: boolean;
    readonly openers: number;
    readonly bytes: number;
    readonly sections: number;
    /** Nanoseconds since the Unix epoch; null while it is open or for ever. */
    readonly retainUntil: string | null;
  }[];
}

export async function listCheckpoints(socket: string, format: Format): Promise<number> {
  const { state } = await withAdmin(socket, (admin) => admin.inspect('ckpt'));
  const list = (state as CkptInspection).checkpoints.map(
    ({ name, sections, bytes, openers, linked, retainUntil }) => ({
      ...{ name, sections, bytes, openers, linked },
      retainUntil: retainUntil === null ? null : timeText(BigInt(retainUntil)),
    }),
  );
  await print(format, { checkpoints: list }, () =>
    table(
      ['CHECKPOINT', 'SECTIONS', 'BYTES', 'OPENERS', ''],
      list.map(({ name, sections, bytes, openers, linked }) => [
        ...[name, sections, bytes, openers],
        linked ? '' : 'unlinked',
      ]),
    ),
  );
  return EXIT.ok;
}

export async function listSections(socket: string, format: Format, name: string): Promise<number> {
  const bound = { timeoutMs: CALL_MS_MAX };
  await assertAnswers(socket, 'ckpt');
  await using service = await CheckpointService.connect({ socket, ...bound });
  await using checkpoint = await service.open(name, { write: false, ...bound });
  const status = await checkpoint.status(bound);
  const sections: SectionInfo[] = [];
  for await (const section of checkpoint.sections()) sections.push(section);
  const document = {
    checkpoint: name,
    bytes: status.bytes,
    maxSections: status.maxSections,
    maxSectionBytes: status.maxSectionBytes,
    retentionMs: Number.isFinite(status.retentionMs) ? status.retentionMs : null,
    sections: sections.map(({ id, size, expiresAt, lastUpdate }) => ({
      ...{ id: bytesJson(id), size, expiresAt, lastUpdate },
    })),
  };
  await print(format, document, () =>
    table(
      ['SECTION', 'BYTES', 'EXPIRES', 'UPDATED'],
      sections.map(({ id, size, expiresAt, lastUpdate }) => [
        id.length === 0 ? '(default)' : bytesLine(id),
        size,
        expiresAt?.toISOString() ?? 'never',
        lastUpdate.toISOString(),
      ]),
    ),
  );
  return EXIT.ok;
}

function timeText(time: bigint): string {
  return new Date(Number(time / 1_000_000n)).toISOString();
}
