import { SA_AIS_ERR_NOT_EXIST } from '@aisexec/ais';
import { CheckpointService, type MapChange, type ReplicatedMap } from '@aisexec/ckpt';
import { Membership } from '@aisexec/clm';
import { EventService, textOf } from '@aisexec/evt';
import type { ReopenedEvent } from '@aisexec/ipc';
import { LockService } from '@aisexec/lck';
import { expect, test } from '@jest/globals';
import { eventually, membersEverywhere, TEST_TIMEOUT_MS, useCluster } from './support.fixture.ts';

const MANY = 150;
const ids = Array.from({ length: MANY }, (_, i) => `section-${i}`);

const cluster = useCluster({ nodes: 2, quorum: 'none' });

test(
  'after a restart of its executive a client has its channels, checkpoints and tracks again, and no locks',
  async () => {
    const [near, far] = [cluster.nodes[0]!, cluster.nodes[1]!];
    const told: [string, ReopenedEvent][] = [];
    const options = (name: string) => ({
      socket: near.socket,
      reopen: (event: ReopenedEvent) => void told.push([name, event]),
    });
    const stays = { socket: far.socket };

    const [events, witness] = [
      await EventService.connect(options('evt')),
      await EventService.connect(stays),
    ];
    const publisher = await witness.open('news', { create: true, publisher: true });
    const channel = await events.open('news', { subscriber: true, publisher: true });
    const fleeting = await witness.open('fleeting', { create: true, publisher: true });
    const orphan = (await events.open('fleeting', { subscriber: true })).subscribe();
    await orphan.ready;
    await witness.unlink('fleeting');
    await fleeting.close();
    const subscription = channel.subscribe();
    await subscription.ready;
    const read: string[] = [];
    void (async () => {
      for await (const item of subscription) {
        read.push(item.type === 'lost' ? 'lost' : textOf(item.data));
      }
    })();

    const checkpoints = await CheckpointService.connect(options('ckpt'));
    const scores: ReplicatedMap<number> = await checkpoints.map('scores');
    const elsewhere = await CheckpointService.connect(stays);
    const same: ReplicatedMap<number> = await elsewhere.map('scores');
    const changes: string[] = [];
    const watch = scores.watch();
    await watch.ready;
    void (async () => {
      for await (const change of watch as AsyncIterable<MapChange<number> | { type: 'gap' }>) {
        changes.push('key' in change ? `${change.type} ${change.key}` : change.type);
      }
    })();

    // More than an iteration looks ahead, in a checkpoint that this client did not make.
    const create = { maxSections: MANY, maxSectionBytes: 1 };
    const many = await elsewhere.open('many', { create });
    await Promise.all(ids.map((id) => many.section(id).create(new Uint8Array(1))));
    const iteration = (await checkpoints.open('many')).sections();
    const first = await iteration.next();
    const visited = first.done ? [] : [textOf(first.value.id)];

    const membership = await Membership.connect(options('clm'));
    const views: number[] = [];
    void (async () => {
      for await (const { members } of membership.track()) views.push(members.length);
    })();

    const locks = await LockService.connect({ socket: near.socket });
    const held = await (await locks.open('l', { create: true })).acquire('EX');

    await publisher.publish({ data: 'before' });
    await scores.set('ann', 1);
    const has = (list: readonly string[], text: string) =>
      eventually(
        () => [...list],
        (now) => now.includes(text),
        text,
      );
    await has(read, 'before');
    await has(changes, 'set ann');

    near.kill();
    await near.exited();
    await publisher.publish({ data: 'missed' });
    await same.set('bob', 2);
    await near.start();
    await membersEverywhere([near, far], 2);
    await eventually(
      () => told.map(([name]) => name).sort(),
      (names) => names.length === 3,
      'one event for each connection',
    );

    await publisher.publish({ data: 'after' });
    await same.set('cid', 3);
    await has(read, 'after');
    await has(changes, 'set cid');
    expect(read).toEqual(['before', 'lost', 'after']);
    expect(changes).toEqual(['set ann', 'gap', 'set cid']);
    expect(await scores.get('bob')).toBe(2);
    for await (const { id } of iteration) visited.push(textOf(id));
    expect(visited.sort()).toEqual([...ids].sort());
    await channel.publish({ data: 'of its own' });
    await has(read, 'of its own');
    await eventually(
      () => views.at(-1),
      (members) => members === 2,
      'the track goes on',
    );
    expect((await membership.members()).length).toBe(2);
    expect(held.lost).toBe('session-lost');
    // An unlinked channel ends with its last open, and this one was opened without `create`.
    expect(told.map(([name, { failed }]) => [name, failed]).sort()).toEqual([
      ['ckpt', []],
      ['clm', []],
      ['evt', [{ name: 'fleeting', code: SA_AIS_ERR_NOT_EXIST }]],
    ]);
    await expect(orphan.next()).resolves.toMatchObject({ value: { type: 'lost' } });
    await expect(orphan.next()).rejects.toThrow(/not opened again/);
    await Promise.all(
      [events, witness, checkpoints, elsewhere, membership, locks].map((one) => one.close()),
    );
  },
  TEST_TIMEOUT_MS,
);
