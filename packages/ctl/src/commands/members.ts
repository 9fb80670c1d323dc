/**
 * `aisctl members`: the membership as this executive knows it. Through the admin channel, since clients of
 * CLM wait while the ring re-forms.
 */
import { withAdmin } from '../admin.ts';
import { EXIT } from '../exit-codes.ts';
import { type Format, print, table } from '../output.ts';

interface ClmInspection {
  readonly viewNumber: string;
  readonly members: readonly {
    readonly nodeId: number;
    readonly name: string;
    readonly address: string;
    readonly family: string;
    /** Nanoseconds since the Unix epoch. */
    readonly bootTime: string;
    readonly initialView: string;
  }[];
}

export async function members(socket: string, format: Format): Promise<number> {
  const { status, clm } = await withAdmin(socket, async (admin) => {
    const answer = await admin.status();
    return { status: answer, clm: (await admin.inspect('clm')).state as ClmInspection };
  });
  const { ring, quorum, node } = status;
  const rows = clm.members.map(({ bootTime, ...member }) => ({
    ...member,
    bootTime: new Date(Number(BigInt(bootTime) / 1_000_000n)).toISOString(),
    local: member.nodeId === node.id,
    inRing: ring.members.includes(member.nodeId),
  }));
  const document = {
    viewNumber: clm.viewNumber,
    quorate: quorum.quorate,
    ringState: ring.state,
    members: rows,
  };
  await print(format, document, () =>
    table(
      ['NODE', 'NAME', 'ADDRESS', 'SINCE VIEW', 'BOOTED', ''],
      rows.map((row) => [
        row.nodeId,
        row.name,
        row.address,
        row.initialView,
        row.bootTime,
        [row.local ? 'local' : '', row.inRing ? '' : 'not in the ring now']
          .filter((note) => note !== '')
          .join(', '),
      ]),
    ),
  );
  return EXIT.ok;
}
