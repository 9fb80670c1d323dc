/** `aisctl timers`: the timers of this node's clients. */
import { withAdmin } from '../admin.ts';
import { EXIT } from '../exit-codes.ts';
import { type Format, print, table } from '../output.ts';

interface TimerView {
  readonly connection: number;
  readonly id: string;
  readonly due: string;
  readonly period: string;
  readonly count: string;
}

export async function timers(socket: string, format: Format): Promise<number> {
  const { state } = await withAdmin(socket, (admin) => admin.inspect('tmr'));
  const { timers: all } = state as { readonly timers: readonly TimerView[] };
  await print(format, { timers: all }, () =>
    table(
      ['CONNECTION', 'TIMER', 'DUE', 'EVERY', 'EXPIRED'],
      all.map(({ connection, id, due, period, count }) => [
        connection,
        id,
        timeOf(due),
        period === '0' ? 'once' : `${Number(period) / 1_000_000} ms`,
        count,
      ]),
    ),
  );
  return EXIT.ok;
}

/** What is too far away for a Date is as good as never. */
function timeOf(ns: string): string {
  const date = new Date(Number(BigInt(ns) / 1_000_000n));
  return Number.isNaN(date.getTime()) ? 'never' : date.toISOString();
}
