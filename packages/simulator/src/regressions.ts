/**
 * Seeds that once found something, by name; a test runs them all. Add one with a line on what it found. A
 * seed keeps its meaning only as long as the scenario's draws stay as they are; a change of those should put
 * the old fault back for a moment and look for new seeds.
 */
import type { RunOptions } from './scenario.ts';

export interface Regression {
  /** Kebab-case, says what went wrong. */
  readonly name: string;
  readonly found: string;
  readonly options: RunOptions;
}

export const REGRESSIONS: readonly Regression[] = [
  {
    name: 'fragments-of-leavers-overtaken',
    found:
      'process groups dropped half-received messages of members that do not come along already at the transitional configuration: the rest of them, delivered there, was lost, what was packed behind it was not (E7)',
    options: { seed: 187, seconds: 10, faults: true, stack: 'full', draws: 1 },
  },
  {
    name: 'safe-fragments-of-leavers-lost',
    found: 'the same fault: a safe message was delivered by one member only (E9)',
    options: { seed: 251, seconds: 10, faults: true, stack: 'full', draws: 1 },
  },
  {
    name: 'fragments-of-leavers-five-nodes',
    found: 'the same fault with five nodes, early in the run (E7)',
    options: { seed: 306, seconds: 10, faults: true, stack: 'full', draws: 1 },
  },
  {
    name: 'stale-failed-list-of-recovering-members',
    found:
      'a livelock while a ring of eight re-formed: members still in recovery spread an outdated failed list to those that were operational already (L1, L3)',
    options: { seed: 334, nodes: 8, seconds: 15, faults: true, stack: 'ring' },
  },
  {
    name: 'joins-on-all-links',
    found:
      'a livelock: with every JOIN sent on both links, late copies kept two nodes accusing each other of an earlier gather (L1)',
    options: {
      seed: 1096,
      seconds: 15,
      faults: true,
      stack: 'ring',
      draws: 1,
      links: 2,
      linkMode: 'active',
    },
  },
  {
    name: 'stale-failed-list-again',
    found: 'the same fault in another order of events: hundreds of rings after healing (L3)',
    options: { seed: 316, nodes: 8, seconds: 15, faults: true, stack: 'ring' },
  },
  {
    name: 'joins-on-all-links-when-none-is-up',
    found:
      'with no link up JOINs went out on all of them: two nodes changed rings thirty times after the networks had healed (L3)',
    options: { seed: 10, seconds: 10, faults: true, stack: 'ring', links: 2, linkMode: 'passive' },
  },
];
