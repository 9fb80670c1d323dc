/** A status and measurements in which every metric occurs. */
import type { ExecutiveStatus } from '../status.ts';
import { familiesOf, type Measured, NAMED } from './families.ts';

const LINK = {
  peer: 2,
  link: 1,
  state: 'up',
  used: true,
  rttMs: 0.5,
  probes: 9,
  answers: 8,
  downs: 3,
  owes: 0,
} as const;

export function fullStatus(): ExecutiveStatus {
  const counters: Record<string, Record<string, number>> = { other: { unnamed: 7 } };
  Object.keys(NAMED).forEach((key, index) => {
    const [part, name] = key.split('.') as [string, string];
    counters[part] = { ...counters[part], [name]: index };
  });
  return {
    ...{
      version: '1.2.3',
      pid: 1,
      uptimeMs: 2_500,
      cluster: 'c',
      engine: 'totem',
      transfers: [],
      socket: null,
      keys: null,
    },
    node: { id: 1, name: 'a "quoted"\\\nname', address: '' },
    ring: { state: 'operational', id: '1.8', members: [1, 2], links: [LINK] },
    view: {
      ring: '1.8',
      quorate: true,
      members: [
        { id: 1, name: 'a' },
        { id: 2, name: 'b' },
      ],
    },
    quorum: {
      provider: 'votequorum',
      quorate: true,
      votes: 2,
      needed: 2,
      expected: 3,
      flags: [],
      nodes: [],
    },
    services: [
      {
        ...{ id: 5, name: 'lck', version: 'B.3.1', reason: '' },
        state: 'running',
        nodes: [1],
        origin: 'built in',
        speaks: [1, 1, 1],
      },
    ],
    eventLoop: { meanMs: 0, p99Ms: 0, maxMs: 0 },
    counters,
  };
}

export function measured(): Measured {
  const histogram = { bounds: [0.5, 1], counts: [2, 1, 3], sum: 9.5 };
  return {
    ...{ tokenRotation: histogram, syncDuration: histogram },
    loopDelay: { mean: 0.001, p50: 0.001, p99: 0.02, max: 0.03 },
    memory: { rss: 1, heapUsed: 2, external: 3 },
    cpuSeconds: 4.5,
    reload: { success: true, atSeconds: 1_000 },
    events: { info: 3 },
  };
}

export const fullFamilies = () => familiesOf(fullStatus(), measured());
