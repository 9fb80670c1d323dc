import { type Group, ringIdText } from '@aisexec/totem';
import { describe, expect, test } from '@jest/globals';
import { createMemoryBus, createRandom } from './index.ts';

/** What one incarnation saw, in order: `m <id>`, `t <old ring> <members>`, `r <ring> <members>`. */
type Log = string[];

interface Run {
  readonly logs: { readonly node: number; readonly log: Log; alive: boolean }[];
  /** Messages that were multicast, with the log of their sender. */
  readonly sent: Map<string, Log>;
}

/** Random traffic and faults, then healed and quiet. */
function chaos(seed: number, nodes: number): Run {
  const bus = createMemoryBus({ seed, queueMax: 20 });
  const random = createRandom(seed);
  const run: Run = { logs: [], sent: new Map() };
  const living = new Map<number, { group: Group; entry: Run['logs'][number] }>();
  let next = 0;

  function start(node: number): void {
    const entry = { node, log: [] as Log, alive: true };
    run.logs.push(entry);
    const messaging = bus.start(node);
    const group = messaging.join('g', {
      deliver: ({ bytes }) => entry.log.push(`m ${new DataView(bytes.buffer).getUint32(0)}`),
      configuration: ({ type, ringId, members }) => {
        entry.log.push(`${type[0]} ${ringIdText(ringId)} ${members.join()}`);
        if (type === 'regular') messaging.syncComplete(ringId);
      },
    });
    living.set(node, { group, entry });
  }

  function kill(node: number): void {
    living.get(node)!.entry.alive = false;
    living.delete(node);
    bus.kill(node);
  }

  function act(): void {
    const node = 1 + random.below(nodes);
    const alive = living.get(node);
    const dice = random.below(100);
    if (alive === undefined) {
      if (dice < 30) start(node);
    } else if (dice < 2) kill(node);
    else if (dice < 5) bus.split([[node, 1 + random.below(nodes)].slice(0, 1 + random.below(2))]);
    else if (dice < 10) bus.heal();
    else if (dice < 40) {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, next);
      const guarantee = random.below(4) === 0 ? 'safe' : 'agreed';
      if (alive.group.multicast([bytes], guarantee)) run.sent.set(`m ${next++}`, alive.entry.log);
    }
  }

  for (let node = 1; node <= nodes; node++) start(node);
  for (let i = 0; i < 400; i++) {
    act();
    for (let steps = random.below(6); steps > 0; steps--) bus.step();
  }
  bus.heal();
  while (bus.step());
  return run;
}

/** A log in pieces: what was delivered from one regular configuration to the next. */
function pieces(log: Log): { from: string; to: string; messages: string }[] {
  const result: { from: string; to: string; messages: string }[] = [];
  let from = '';
  let messages: string[] = [];
  for (const event of log) {
    if (event.startsWith('m')) messages.push(event);
    if (!event.startsWith('r')) continue;
    if (from !== '') result.push({ from, to: event, messages: messages.join() });
    from = event;
    messages = [];
  }
  return result;
}

describe('the memory bus obeys extended virtual synchrony', () => {
  const runs = Array.from({ length: 40 }, (_, i) => chaos(i + 1, 2 + (i % 4)));

  test('who go together from one ring to the next delivered the same in between (E6)', () => {
    let together = 0;
    for (const { logs } of runs) {
      const seen = new Map<string, string>();
      for (const { log } of logs) {
        for (const { from, to, messages } of pieces(log)) {
          const key = `${from} ${to}`;
          if (seen.has(key)) together++;
          expect(seen.get(key) ?? messages).toBe(messages);
          seen.set(key, messages);
        }
      }
    }
    expect(together).toBeGreaterThan(100);
  });

  test('everybody delivers its own messages, once, unless it dies (E1, E5)', () => {
    for (const { logs, sent } of runs) {
      for (const [id, log] of sent) {
        const { alive } = logs.find((entry) => entry.log === log)!;
        const times = log.filter((event) => event === id).length;
        if (alive) expect(times).toBe(1);
        else expect(times).toBeLessThanOrEqual(1);
      }
      for (const { log } of logs) {
        const messages = log.filter((event) => event.startsWith('m'));
        expect(new Set(messages).size).toBe(messages.length);
      }
    }
  });

  test('common messages have one order (E8)', () => {
    for (const { logs } of runs) {
      for (const one of logs) {
        const place = new Map(one.log.map((event, i) => [event, i]));
        for (const other of logs) {
          const common = other.log.filter((event) => event.startsWith('m') && place.has(event));
          const places = common.map((event) => place.get(event)!);
          expect(places).toEqual([...places].sort((a, b) => a - b));
        }
      }
    }
  });

  test('ring sequences rise on every node, over restarts, and a ring has one membership (E2, E3)', () => {
    for (const { logs } of runs) {
      const members = new Map<string, string>();
      const last = new Map<number, number>();
      for (const { node, log } of logs) {
        for (const event of log.filter((one) => one.startsWith('r'))) {
          const [, ring, list] = event.split(' ') as [string, string, string];
          expect(members.get(ring) ?? list).toBe(list);
          members.set(ring, list);
          expect(list.split(',')).toContain(String(node));
          const seq = Number(ring.split('.')[1]);
          expect(seq).toBeGreaterThan(last.get(node) ?? 0);
          last.set(node, seq);
        }
      }
    }
  });

  test('the end is one ring of all that live (L1)', () => {
    for (const { logs } of runs) {
      const ends = logs
        .filter(({ alive }) => alive)
        .map(({ log }) => {
          return log.filter((event) => event.startsWith('r')).at(-1);
        });
      expect(new Set(ends).size).toBe(1);
    }
  });
});

test('the same seed gives the same run', () => {
  expect(chaos(9, 4).logs).toEqual(chaos(9, 4).logs);
});
