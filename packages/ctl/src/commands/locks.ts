/** `aisctl locks`: who holds and who waits, from the replicated lock table. */
import { withAdmin } from '../admin.ts';
import { EXIT } from '../exit-codes.ts';
import { type Format, print, table } from '../output.ts';

interface LckInspection {
  readonly quorate: boolean;
  readonly fairness: 'standard' | 'fifo' | null;
  readonly clients: number;
  readonly locks: number;
  readonly resources: readonly ResourceInspection[];
}

interface ResourceInspection {
  readonly name: string;
  readonly openers: number;
  readonly granted: readonly LockInspection[];
  readonly orphans: readonly LockInspection[];
  readonly waiting: readonly LockInspection[];
}

interface LockInspection {
  readonly node: number;
  readonly connection: number;
  readonly mode: 'PR' | 'EX';
  /** When it was granted or, while it waits, asked for: ns since the epoch. */
  readonly since: string;
  /** Of those that were granted. */
  readonly fencingToken?: string;
}

export async function locks(
  socket: string,
  format: Format,
  name: string | undefined,
): Promise<number> {
  const { state } = await withAdmin(socket, (admin) => admin.inspect('lck'));
  const { quorate, fairness, clients, locks: count, resources } = state as LckInspection;
  const shown = resources
    .filter((resource) => name === undefined || resource.name === name)
    .map(({ granted, orphans, waiting, ...rest }) => ({
      ...rest,
      ...{ granted: dated(granted), orphans: dated(orphans), waiting: dated(waiting) },
    }));
  await print(format, { quorate, fairness, clients, locks: count, resources: shown }, () =>
    table(
      ['RESOURCE', 'STATE', 'MODE', 'NODE', 'CONNECTION', 'SINCE', 'TOKEN'],
      shown.flatMap((resource) => [
        ...rows(resource.name, 'held', resource.granted),
        ...rows(resource.name, 'orphan', resource.orphans),
        ...rows(resource.name, 'waiting', resource.waiting),
      ]),
    ),
  );
  return EXIT.ok;
}

/** Times as people and programs write them: ISO 8601, UTC, milliseconds. */
function dated(list: readonly LockInspection[]): LockInspection[] {
  return list.map((lock) => ({
    ...lock,
    since: new Date(Number(BigInt(lock.since) / NS_PER_MS)).toISOString(),
  }));
}

const NS_PER_MS = 1_000_000n;

function rows(
  name: string,
  state: string,
  list: readonly LockInspection[],
): readonly (readonly (string | number)[])[] {
  return list.map(({ mode, node, connection, since, fencingToken = '' }) => [
    name,
    state,
    mode,
    node,
    connection,
    since,
    fencingToken,
  ]);
}
