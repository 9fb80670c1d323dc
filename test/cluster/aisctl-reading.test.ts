/** The commands of `aisctl` that only read, with quorum, without, and where nobody answers. */
import { LockService } from '@aisexec/lck';
import { TimerService } from '@aisexec/tmr';
import { describe, expect, jest, test } from '@jest/globals';
import { aisctl, document, NOWHERE, useExecutives } from './aisctl.fixture.ts';
import { eventually, membersEverywhere, TEST_TIMEOUT_MS } from './support.fixture.ts';

jest.setTimeout(TEST_TIMEOUT_MS);

/** A time in ISO 8601. */
const TIME = '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z';

describe('aisctl on three real executives', () => {
  const { cluster, socket, json, text } = useExecutives();

  test('status', async () => {
    expect(await text('status')).toMatch(/ring +operational, .*: 1 2 3\nquorum +quorate: 3 votes/);
    expect(await json('status')).toMatchObject({
      node: { id: 1, name: 'node-1' },
      ring: { state: 'operational', members: [1, 2, 3] },
      quorum: { quorate: true, votes: 3, needed: 2 },
    });
  });

  test('members', async () => {
    expect(await text('members')).toMatch(/^NODE {2}NAME .*\n1 +node-1 +127\.0\.0\.1 .*local\n2 /);
    const { members, quorate } = await json('members');
    expect(quorate).toBe(true);
    expect(members).toMatchObject([
      { nodeId: 1, name: 'node-1', address: '127.0.0.1', local: true, inRing: true },
      { nodeId: 2, local: false, inRing: true },
      { nodeId: 3, local: false, inRing: true },
    ]);
  });

  test('quorum', async () => {
    expect(await text('quorum')).toMatch(
      /^quorate: 3 votes, 2 needed \(votequorum\)\nexpected +3 votes/,
    );
    expect(await json('quorum')).toMatchObject({ quorate: true, ringState: 'operational' });
  });

  test('services and inspect', async () => {
    expect(await text('services')).toMatch(/^ID {2}NAME +STATE +VERSION .*\n1 +clm +running /);
    expect((await json('services'))['services']).toHaveLength(5);
    expect(await text('inspect', 'lck')).toMatch(/^lck [0-9a-f]{16}\n\{/);
    const here = await json('inspect', 'clm');
    expect(here['hash']).toMatch(/^[0-9a-f]{16}$/);
    expect(here['state']).toMatchObject({ members: [{ nodeId: 1 }, { nodeId: 2 }, { nodeId: 3 }] });
    const { status, stderr } = await aisctl(['inspect', 'amf'], socket());
    expect(status).toBe(1);
    expect(stderr).toMatch(/no service 'amf' runs here\n {2}at: {2}.*\n {2}try: one of: clm, lck/);
  });

  test('locks shows who holds, who waits, the token, and what was orphaned', async () => {
    const holder = await LockService.connect({ socket: socket(1) });
    await using waiter = await LockService.connect({ socket: socket(2) });
    const held = await (await holder.open('shown', { create: true })).acquire('EX', {
      orphan: true,
    });
    const waiting = (await waiter.open('shown')).lock('PR');
    const shown = () => json('locks', 'shown');
    const withWaiter = await eventually(
      shown,
      (found) => JSON.stringify(found['resources']).includes('"waiting":[{'),
      'the waiter',
    );
    expect(withWaiter['fairness']).toBe('standard');
    const since = expect.stringMatching(new RegExp(`^${TIME}$`));
    expect(withWaiter['resources']).toMatchObject([
      {
        name: 'shown',
        granted: [{ node: 2, mode: 'EX', since, fencingToken: String(held.fencingToken) }],
        waiting: [{ node: 3, mode: 'PR', since }],
      },
    ]);
    expect(await text('locks')).toMatch(
      new RegExp(
        `shown +held +EX +2 +\\d+ +${TIME} +${held.fencingToken}\nshown +waiting +PR +3 +\\d+ +${TIME}\n`,
      ),
    );
    await holder.close();
    await eventually(
      () => text('locks', 'shown'),
      (lines) =>
        new RegExp(`shown +orphan +EX +2 +\\d+ +${TIME} +${held.fencingToken}\n`).test(lines),
      'the orphan',
    );
    await (await waiter.open('shown')).purgeOrphans();
    expect(await waiting).toMatchObject({ status: 'granted' });
    expect(await text('locks', 'shown')).toMatch(/shown +held +PR +3/);
  });

  test('timers shows what runs for the clients of this node, and no other', async () => {
    await using service = await TimerService.connect({ socket: socket(0) });
    await using _timer = await service.start({ afterMs: 3_600_000, everyMs: 1500 });
    expect(await text('timers')).toMatch(/TIMER +DUE +EVERY +EXPIRED\n.* 1500 ms +0/);
    expect(await json('timers')).toMatchObject({ timers: [{ period: '1500000000' }] });
    const { stdout } = await aisctl(['timers', '--format', 'json'], socket(1));
    expect(JSON.parse(String(stdout))).toMatchObject({ timers: [] });
  });

  test('no executive: what, where and what to do; 69, of quorum 1', async () => {
    for (const command of ['status', 'members', 'locks', 'services']) {
      const { status, stdout, stderr } = await aisctl([command], NOWHERE);
      expect(status).toBe(69);
      expect(String(stdout)).toBe('');
      expect(stderr).toMatch(
        /^aisctl: .*no executive answers on \/nonexistent.*\n {2}try: .*--socket/,
      );
    }
    expect((await aisctl(['quorum'], NOWHERE)).status).toBe(1);
    expect((await aisctl(['evt', 'tail', 'x'], NOWHERE)).status).toBe(69);
    expect((await aisctl(['ckpt', 'ls', 'x'], NOWHERE)).status).toBe(69);
    expect((await aisctl(['status', '--socket', socket()], NOWHERE)).status).toBe(0);
  });

  test('without quorum, and while the ring re-forms, the reading commands answer', async () => {
    const [first, second, third] = cluster.nodes;
    second!.kill();
    third!.kill();
    const at = first!.socket;
    const states = new Set<unknown>();
    const asked = async () => {
      const outcome = await aisctl(['quorum', '-f', 'json'], at);
      states.add(document(outcome)['ringState']);
      expect((await aisctl(['members', '-f', 'json'], at)).status).toBe(0);
      return outcome.status;
    };
    expect(await eventually(asked, (code) => code === 2, 'the loss of quorum')).toBe(2);
    expect(states.size).toBeGreaterThan(0);
    expect(String((await aisctl(['quorum'], at)).stdout)).toMatch(/^not quorate: 1 vote, 2 needed/);
    const status = document(await aisctl(['status', '--format', 'json'], at));
    expect(status).toMatchObject({ quorum: { quorate: false } });
    expect((await aisctl(['locks'], at)).status).toBe(0);
    const busy = await aisctl(['lock', 'run', 'minor', '--try', '--', 'true'], at);
    expect(busy).toMatchObject({ status: 75, stderr: expect.stringContaining('aisctl quorum') });
    await Promise.all([second!.exited(), third!.exited()]);
    await Promise.all([second!.start(), third!.start()]);
    await membersEverywhere(cluster.nodes, 3);
    expect((await aisctl(['quorum'], at)).status).toBe(0);
  });

  test('a suspended executive does not answer: said after a while, not waited for', async () => {
    const third = cluster.nodes[2]!;
    third.pause();
    const { status, stderr } = await aisctl(['quorum'], third.socket);
    third.resume();
    expect(status).toBe(1);
    expect(stderr).toContain('does not answer');
    await membersEverywhere(cluster.nodes, 3);
  });
});
