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
    options: { seed: 408, nodes: 8, seconds: 15, faults: true, stack: 'ring' },
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
    options: { seed: 438, nodes: 8, seconds: 15, faults: true, stack: 'ring' },
  },
  {
    name: 'joins-on-all-links-when-none-is-up',
    found:
      'with no link up JOINs went out on all of them: two nodes changed rings thirty times after the networks had healed (L3)',
    options: { seed: 10, seconds: 10, faults: true, stack: 'ring', links: 2, linkMode: 'passive' },
  },
  {
    name: 'a-stranger-insists',
    found:
      'a node outside the ring that gave up one member made the others gather at each of its JOINs: nineteen rings in two seconds after healing (L3)',
    options: { seed: 2514, seconds: 30, faults: true, stack: 'ring' },
  },
  {
    name: 'a-stranger-insists-again',
    found: 'the same fault among nodes of which the stranger has the lowest number (L3)',
    options: { seed: 2614, seconds: 30, faults: true, stack: 'ring' },
  },
  {
    name: 'echo-of-accusations',
    found:
      'a livelock: three nodes accused each other in answer to JOINs of earlier gathers and formed rings of one, 26,574 in 30 seconds (L3)',
    options: { seed: 2703, seconds: 30, faults: true, stack: 'ring' },
  },
  {
    name: 'echo-of-accusations-slower',
    found: 'the same fault where packets take milliseconds (L3)',
    options: { seed: 333, seconds: 30, faults: true, stack: 'ring' },
  },
  {
    name: 'echo-of-accusations-after-crashes',
    found: 'the same fault; fails with the cure of the first one alone, too (L3)',
    options: { seed: 3273, seconds: 30, faults: true, stack: 'ring' },
  },
  {
    name: 'echo-of-accusations-in-commit',
    found:
      'two nodes kept each other from the ring that they were committing to, by JOINs from before: nine rings of one each after healing (L3)',
    options: { seed: 35_858, seconds: 30, faults: true, stack: 'ring' },
  },
  {
    name: 'a-grant-that-only-its-node-knew',
    found:
      'grants were told as soon as they were ordered: a node that alone had the message was cut off, and the others gave the same fencing token again (locks: token, exclusion)',
    options: { seed: 1421, seconds: 8, faults: true, stack: 'full', workload: 'locks' },
  },
];
