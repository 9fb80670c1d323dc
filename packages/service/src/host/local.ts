/**
 * What happens to a service of one node alone (ADR 0182): its clients and its time are no matter of the order, so
 * it is told at once. Without a view no request has run yet, and there is nothing to tell.
 */
import type { ClientRef, ExecContext } from '../contract.ts';
import type { Replica } from './replica.ts';

type Context = ExecContext | undefined;

export function forgetLocally(replica: Replica, client: ClientRef, context: Context): void {
  const { clientGone } = replica.definition;
  if (context === undefined || clientGone === undefined) return;
  replica.change('clientGone', (state) => {
    while (clientGone(state, client, context) === true);
  });
}

/** A service that leaves its deadline where it was would have the thread for ever: it fails. */
export function expireLocally(replica: Replica, context: Context): void {
  if (context === undefined) return;
  replica.change('expire', (state) => replica.definition.expire?.(state, context));
  if (!isDue(replica, context)) return;
  replica.fail('expire', new Error('it left its own deadline in place'));
}

/** Whether a deadline of it has passed, on either clock. */
export function isDue(
  replica: Replica,
  { time, steady }: Pick<ExecContext, 'time' | 'steady'>,
): boolean {
  const [wall, own] = [replica.deadline(), replica.steadyDeadline()];
  return (wall !== null && wall <= time) || (own !== null && own <= steady);
}
