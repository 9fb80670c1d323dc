/** What `aisctl` does for administrators: revokes locks, takes nodes out of the membership, ends an executive. */
import { Membership } from '@aisexec/clm';
import { LockService } from '@aisexec/lck';
import { describe, expect, jest, test } from '@jest/globals';
import { aisctl, document, Running, useExecutives } from './aisctl.fixture.ts';
import { eventually, membersEverywhere, TEST_TIMEOUT_MS } from './support.fixture.ts';

jest.setTimeout(TEST_TIMEOUT_MS);

describe('aisctl on three real executives', () => {
  const { cluster, socket, json, text } = useExecutives();

  test('lock revoke takes a lock from its holder; --token only the one that was looked at', async () => {
    await using holder = await LockService.connect({ socket: socket(1) });
    await using waiter = await LockService.connect({ socket: socket(2) });
    const held = await (await holder.open('taken', { create: true })).acquire('EX');
    const next = (await waiter.open('taken')).acquire('EX');
    const wrong = await aisctl(['lock', 'revoke', 'taken', '--token', '1'], socket());
    expect(wrong).toMatchObject({ status: 1, stderr: expect.stringContaining('nobody holds') });
    expect(held.lost).toBeUndefined();
    const token = String(held.fencingToken);
    expect(await text('lock', 'revoke', 'taken', '--token', token)).toBe(
      "lock 'taken': 1 revoked\n",
    );
    expect((await next).fencingToken).toBeGreaterThan(held.fencingToken);
    await eventually(
      async () => held.lost,
      (reason) => reason !== undefined,
      'the news of the loss',
    );
    expect(held.lost).toBe('revoked');
    expect(await json('lock', 'revoke', 'taken')).toMatchObject({ name: 'taken', revoked: 1 });
    expect((await aisctl(['lock', 'revoke', 'none'], socket())).status).toBe(1);
    expect((await aisctl(['lock', 'revoke', 'x', '--token', 'y'], socket())).status).toBe(64);
  });

  test('node lock, ls, unlock and shutdown, by name and by id, from another node', async () => {
    expect(await text('node', 'lock', 'node-3')).toBe('node 3 (node-3): locked\n');
    expect(await text('node', 'ls')).toMatch(/3 +node-3 +locked +no\n/);
    const members = (await json('members'))['members'] as { nodeId: number }[];
    expect(members.map(({ nodeId }) => nodeId)).toEqual([1, 2]);
    const again = await aisctl(['node', 'lock', '3'], socket());
    expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('already') });
    const unlocked = await aisctl(['node', 'unlock', '3', '-f', 'json'], socket(2));
    expect(document(unlocked)).toMatchObject({ nodeId: 3, name: 'node-3', operation: 'unlock' });
    expect(await text('node', 'shutdown', 'node-3')).toContain('shut down');
    await text('node', 'unlock', 'node-3');
    expect((await json('node', 'ls'))['nodes']).toMatchObject([
      ...[1, 2, 3].map((nodeId) => ({ nodeId, member: true, state: 'unlocked' })),
    ]);
    const unknown = await aisctl(['node', 'lock', 'node-9'], socket());
    expect(unknown).toMatchObject({ status: 1, stderr: expect.stringContaining('aisctl node ls') });
  });

  test('a subscriber is asked first: aisctl waits for it, gives up waiting, or says that it objected', async () => {
    await using membership = await Membership.connect({ socket: socket(1) });
    const changes = membership.track({ steps: ['validate'] });
    await changes.next();
    const objection = async () => {
      for (;;) {
        const { value, done } = await changes.next();
        if (done) throw new Error('the stream ended');
        if (value.step === 'validate') return () => value.respond('rejected');
      }
    };
    const lock = ['node', 'lock', 'node-3', '--supervision', '60000'];
    const impatient = await aisctl([...lock, '--timeout', '100'], socket());
    expect(impatient).toMatchObject({ status: 75, stderr: expect.stringContaining('it goes on') });
    await (await objection())();
    const refused = aisctl(lock, socket());
    await (await objection())();
    expect(await refused).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('a subscriber objected'),
    });
    expect(await text('node', 'ls')).toMatch(/3 +node-3 +unlocked +yes\n/);
    await changes.return();
  });

  test('shutdown: the executive leaves in good order', async () => {
    const third = cluster.nodes[2]!;
    const tail = new Running(['evt', 'tail', 'cut', '--create'], third.socket);
    await tail.says(/subscribed/);
    const outcome = await aisctl(['shutdown', '--format', 'json'], third.socket);
    expect(document(outcome)).toMatchObject({ nodeId: 3, leaving: true });
    expect(await tail.outcome).toMatchObject({
      status: 69,
      stderr: expect.stringMatching(/connection.*\n.*\n {2}try: start aisexec/),
    });
    await third.exited();
    await membersEverywhere(cluster.nodes.slice(0, 2), 2);
    expect((await aisctl(['shutdown'], third.socket)).status).toBe(69);
  });
});
