import { ProcessGroup } from '@aisexec/cpg';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { configs, memoryEngines, temporary } from './executive.fixture.ts';
import { Executive } from './executive.ts';

let place: ReturnType<typeof temporary>;
let executives: Executive[] = [];
beforeEach(() => {
  place = temporary();
});
afterEach(async () => {
  await Promise.all(executives.map((executive) => executive.stop()));
  executives = [];
  place.remove();
});

async function start(count: number, services: string): Promise<void> {
  const { engine } = memoryEngines();
  const ports = Array.from({ length: count }, (_, i) => 5000 + i);
  for (const config of configs(place.directory, ports, `services: ${services}`)) {
    executives.push(await Executive.start({ config, engine, listen: false }));
  }
  const last = executives.at(-1)!;
  while (last.view?.members.length !== count) await new Promise((resolve) => setImmediate(resolve));
}

describe('an executive with cpg', () => {
  test('serves process groups: members, messages, and the end of a member', async () => {
    await start(2, '[cpg]');
    const [a, b] = executives.map((executive) => ({ connector: executive.connector() }));
    await using first = await ProcessGroup.join('orders', { ...a, pid: 1 });
    const second = await ProcessGroup.join('orders', { ...b, pid: 2 });
    expect(second.self).toEqual({ nodeId: 2, pid: 2 });
    await second.multicast(Uint8Array.of(7));
    await second.leave();
    const seen: string[] = [];
    for await (const event of first.events()) {
      seen.push(event.type === 'message' ? `got ${event.bytes[0]}` : event.type);
      if (event.type === 'members' && event.left.length > 0) break;
    }
    expect(seen).toEqual(['members', 'members', 'got 7', 'members']);
    expect(first.members).toEqual([{ nodeId: 1, pid: 1 }]);
    expect(executives[0]!.inspect('cpg')).toEqual([{ group: 'orders', nodeId: 1, pid: 1 }]);
    expect(executives[0]!.status().quorum).toMatchObject({ quorate: true, votes: 2, needed: 2 });
  });

  test('ends the groups of its clients when it stops', async () => {
    await start(1, '[cpg]');
    const group = await ProcessGroup.join('orders', { connector: executives[0]!.connector() });
    await executives[0]!.stop();
    const read = async () => {
      for await (const _ of group.events());
    };
    await expect(read()).rejects.toThrow('the executive leaves');
  });

  test('without cpg among its services refuses them', async () => {
    await start(1, '[clm]');
    const joined = ProcessGroup.join('orders', { connector: executives[0]!.connector() });
    await expect(joined).rejects.toThrow('NOT_SUPPORTED');
  });
});
