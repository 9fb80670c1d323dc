/** What a seed draws, and how likely: the table of `npm run sim -- --fault-table`, from the constants themselves. */
import {
  CLOCK_DRIFTS,
  CROWD_SHARE,
  DERIVED_SHARE,
  LOSS_MAX,
  SEQ_NEAR_WRAP_SHARE,
  SKEW_SHARE,
} from '../scenario.ts';
import { SLOW_FACTOR_MAX, SLOW_FACTOR_MIN } from './faults.ts';
import {
  CAPACITY_MAX,
  CAPACITY_MIN,
  CONDITION_MAX,
  FAULT_KINDS,
  type FaultKind,
  LATER_KINDS,
  SHARES,
} from './mix.ts';

const FAULT_TEXT: Readonly<Record<FaultKind, string>> = {
  partition: 'two sides that do not hear each other',
  'one-way': 'one side is not heard by the other',
  isolate: 'one node deaf, mute, or both',
  flapping: 'one link opens and closes every 5 to 500 ms',
  swizzle: 'links clog one after the other and open in another order',
  'type-loss': 'one packet type is lost on all links: 30, 70 or 100 %',
  'loss-burst': 'much loss on all links for a while',
  pause: 'a process stands still, then gets the flood of what waited',
  crash: 'a process dies and restarts',
  'store-crash': 'a process dies in the write of the ring sequence; the write is lost',
  leave: 'a node leaves in good order and comes back',
  'power-failure': 'all nodes die and come back, together or spread out',
  ambush: 'whoever is in commit or recovery is crashed, paused or cut off',
  'partial-partition': 'a bridge, a chain, or overlapping groups',
  'black-hole': 'links of one node swallow packets above 100 to 1300 bytes',
  slow: `every packet takes a process ${SLOW_FACTOR_MIN} to ${SLOW_FACTOR_MAX} times as long`,
  'store-kept': 'a process dies in the write of the ring sequence; the write is kept',
  'lost-store':
    'a node dies and its disk is empty: it refuses to start until an operator sets a sequence',
};

/** Rows of name, share of the seeds that have it, what it is. */
export function faultTable(): readonly (readonly [name: string, share: string, text: string])[] {
  const condition = percent(SHARES.condition);
  return [
    ['packet loss', condition, `up to ${percent(LOSS_MAX[2])}, all types alike`],
    ['duplication', condition, `up to ${percent(CONDITION_MAX.duplicate)}`],
    ['reordering', condition, `up to ${percent(CONDITION_MAX.reorder)}, by up to ten mean delays`],
    ['heavy tail', condition, `up to ${percent(CONDITION_MAX.heavyTail)} take 20 times as long`],
    [
      'replay',
      percent(SHARES.replay),
      `old packets again, up to ${percent(CONDITION_MAX.replay[2])}`,
    ],
    [
      'bit flips',
      percent(SHARES.damage),
      `up to ${percent(CONDITION_MAX.damage)}; UDP's checksum drops them`,
    ],
    [
      'path capacity',
      percent(SHARES.capacity),
      `${CAPACITY_MIN[2]} to ${CAPACITY_MAX} packets under way`,
    ],
    ['links in order', percent(SHARES.inOrder), 'packets of a link never overtake each other'],
    ['refusals', percent(SHARES.refusals), 'hosts of dead nodes answer: port unreachable'],
    ['false hints', percent(SHARES.falseHints), 'living nodes are reported dead'],
    ['skewed time-outs', percent(SKEW_SHARE), 'nodes have 0.7, 1 or 1.5 times the time-outs'],
    ['derived time-outs', percent(DERIVED_SHARE), 'nodes may widen theirs to 2 or 5 times'],
    [
      'sequence near 2^32',
      percent(SEQ_NEAR_WRAP_SHARE),
      'messages are numbered across the wrap-around',
    ],
    ['clock rates', percent(0.5), `1 ± ${CLOCK_DRIFTS[2].at(-2)} or ± ${CLOCK_DRIFTS[2].at(-1)}`],
    ['crowd', percent(CROWD_SHARE), '16 to 32 nodes; 1 to 8 otherwise'],
    ...[...FAULT_KINDS, ...LATER_KINDS].map(
      (kind) => [kind, percent(SHARES.fault), FAULT_TEXT[kind]] as const,
    ),
  ];
}

const percent = (share: number): string => `${Number((share * 100).toFixed(1))} %`;
