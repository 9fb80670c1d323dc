import {
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_NO_SPACE,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TRY_AGAIN,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type ClientCluster, createClientCluster } from '../cluster.fixture.ts';
import { LIST_PAGE_MAX, REQUEST_BYTES_MAX, REQUEST_ELEMENTS_MAX } from '../limits.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type CheckpointOpenOptions, CheckpointService } from './checkpoint-service.ts';

const CREATE = { maxSections: 10_000, maxSectionBytes: 50_000_000, retentionMs: 1000 };
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);
const pattern = (size: number) => Uint8Array.from({ length: size }, (_, i) => (i * 7) % 253);

async function open(
  clients: ClientCluster,
  node: number,
  name = 'c',
  options: CheckpointOpenOptions = {},
): Promise<Checkpoint> {
  const service = await CheckpointService.connect({
    connector: clients.connector(node),
    retry: false,
  });
  return service.open(name, { create: CREATE, ...options });
}

async function ids(checkpoint: Checkpoint): Promise<string[]> {
  const found: string[] = [];
  for await (const { id } of checkpoint.sections()) found.push(text(id));
  return found;
}

describe('checkpoints in a cluster', () => {
  test('a write that was acknowledged is read on every other node', async () => {
    const clients = createClientCluster(3);
    const one = await open(clients, 1);
    const two = await open(clients, 2);
    const three = await open(clients, 3);
    await one.section('s').create(bytes('first'));
    expect(text(await three.section('s').read())).toBe('first');
    await two.section('s').write(bytes('st place'), { offset: 3 });
    expect(text(await one.section('s').read())).toBe('first place');
    expect(text(await three.section('s').read({ offset: 6, length: 3 }))).toBe('pla');
    await three.section('s').overwrite(bytes('new'));
    expect(await one.section('s').info()).toMatchObject({ size: 3, expiresAt: null });
    expect(clients.cluster.hashes('ckpt').length).toBe(1);
  });

  test('many writes in flight are applied in the order in which they were made', async () => {
    const clients = createClientCluster(3);
    const one = await open(clients, 1);
    const other = await open(clients, 3);
    const section = one.section('log');
    const creating = section.create();
    const writes = Array.from({ length: 1000 }, (_, i) =>
      section.write(bytes(String(i % 10)), { offset: i }),
    );
    await Promise.all([creating, ...writes]);
    expect(text(await other.section('log').read())).toBe('0123456789'.repeat(100));
  });

  test('closing waits for what was asked for before', async () => {
    const clients = createClientCluster(1);
    const one = await open(clients, 1);
    const other = await open(clients, 1);
    await one.section('s').create();
    const writes = Array.from({ length: 400 }, (_, i) =>
      one.section('s').write(bytes('x'), { offset: i }),
    );
    await Promise.all([...writes, one.close(), one.close()]);
    expect((await other.section('s').info()).size).toBe(400);
    await expect(one.section('s').read()).rejects.toMatchObject({ code: SA_AIS_ERR_BAD_HANDLE });
  });

  test('a section larger than a message goes through in pieces, both ways', async () => {
    const clients = createClientCluster(2);
    const one = await open(clients, 1);
    const two = await open(clients, 2);
    const large = pattern(3 * REQUEST_BYTES_MAX + 17);
    const same = async (id: string, expected: Uint8Array) =>
      Buffer.compare(await two.section(id).read(), expected) === 0;
    await one.section('created').create(large);
    await one.section('written').create();
    await one.section('written').write(large);
    await one.section('overwritten').create(bytes('old'));
    await one.section('overwritten').overwrite(large);
    for (const id of ['created', 'written', 'overwritten']) {
      expect(await same(id, large)).toBe(true);
    }
    await one.section('written').overwrite(bytes('x'));
    expect(await same('written', bytes('x'))).toBe(true);
    const [first, second] = await two.read([
      { id: 'created', offset: 5, length: REQUEST_BYTES_MAX + 9 },
      { id: 'overwritten', offset: large.length - 3, length: 10 },
    ]);
    expect(Buffer.compare(first ?? bytes(''), large.slice(5, REQUEST_BYTES_MAX + 14))).toBe(0);
    expect(second).toEqual(large.slice(-3));
    expect(clients.cluster.hashes('ckpt').length).toBe(1);
  });

  test('a long vector goes through in several requests and fails at the right element', async () => {
    const clients = createClientCluster(2);
    const one = await open(clients, 1);
    await one.section('s').create();
    const elements = Array.from({ length: 2 * REQUEST_ELEMENTS_MAX + 5 }, (_, i) => ({
      id: i === REQUEST_ELEMENTS_MAX + 2 ? 'missing' : 's',
      offset: i,
      data: bytes('x'),
    }));
    await expect(one.write(elements)).rejects.toMatchObject({
      code: SA_AIS_ERR_NOT_EXIST,
      message: expect.stringContaining(`element ${REQUEST_ELEMENTS_MAX + 2}`),
    });
    expect((await one.section('s').read()).length).toBe(REQUEST_ELEMENTS_MAX + 2);
    const requests = elements.map(() => ({ id: 's', length: 1 }));
    expect((await one.read(requests)).length).toBe(requests.length);
    expect(await one.read([])).toEqual([]);
  });

  test('an unlinked checkpoint lives on for those who have it open', async () => {
    const clients = createClientCluster(2);
    const service = await CheckpointService.connect({ connector: clients.connector(1) });
    const old = await service.open('c', { create: CREATE });
    await old.section('s').create(bytes('old'));
    await service.unlink('c');
    const fresh = await open(clients, 2);
    await expect(fresh.section('s').read()).rejects.toMatchObject({ code: SA_AIS_ERR_NOT_EXIST });
    expect(text(await old.section('s').read())).toBe('old');
    await expect(service.unlink('none')).rejects.toMatchObject({ code: SA_AIS_ERR_NOT_EXIST });
  });

  test('sections and checkpoints end by the time of the cluster', async () => {
    const clients = createClientCluster(3);
    const one = await open(clients, 1);
    const now = Number(clients.cluster.now / 1_000_000n);
    await one.section('s').create(bytes('x'), { expiresAt: new Date(now + 5_000) });
    await one.section('t').create(bytes('x'));
    clients.cluster.advance(4_000);
    expect(await ids(one)).toEqual(['s', 't']);
    clients.cluster.advance(1_100);
    expect(await ids(one)).toEqual(['t']);
    await one.close();
    clients.cluster.advance(1_100);
    await expect(open(clients, 2, 'c', { create: CREATE })).resolves.toBeDefined();
    expect((await (await open(clients, 3)).status()).sections).toBe(0);
    expect(clients.cluster.hashes('ckpt').length).toBe(1);
  });

  test('a handle is closed with its client and when its node leaves', async () => {
    const clients = createClientCluster(3);
    {
      await using service = await CheckpointService.connect({ connector: clients.connector(1) });
      await using checkpoint = await service.open('c', { create: CREATE });
      await checkpoint.section('s').create();
    }
    await open(clients, 3, 'd');
    clients.cluster.kill(3);
    clients.cluster.run();
    const opens = () => (clients.cluster.host(1).inspect('ckpt') as { opens: number }).opens;
    expect(opens()).toBe(0);
    await open(clients, 2, 'd');
    clients.cluster.restart(2);
    expect(opens()).toBe(0);
    await open(clients, 2, 'd');
    expect(opens()).toBe(1);
  });

  test('an open that timed out leaves nothing behind', async () => {
    const clients = createClientCluster(1);
    const service = await CheckpointService.connect({ connector: clients.connector(1) });
    clients.freeze(true);
    await expect(service.open('c', { create: CREATE, timeoutMs: 1 })).rejects.toMatchObject({
      code: SA_AIS_ERR_TIMEOUT,
    });
    const abort = new AbortController();
    const aborted = service.open('c', { create: CREATE, signal: abort.signal });
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    clients.freeze(false);
    await expect(service.open('c')).resolves.toBeDefined();
    const inspected = clients.cluster.host(1).inspect('ckpt') as { opens: number };
    expect(inspected.opens).toBe(1);
  });
});

describe('members that come and go', () => {
  test('one that joins receives everything', async () => {
    const clients = createClientCluster(3);
    const one = await open(clients, 1);
    const large = pattern(900_000);
    await one.section('large').create(large);
    for (let i = 0; i < 20; i++) await one.section(`s${i}`).create(bytes(`${i}`));
    await one.section('s3').delete();
    clients.cluster.restart(3);
    expect(clients.cluster.hashes('ckpt').length).toBe(1);
    const three = await open(clients, 3);
    expect(Buffer.compare(await three.section('large').read(), large)).toBe(0);
    expect(await ids(three)).toEqual(await ids(one));
  });

  test('partitions without quorum rules merge: winner first, both sides keep their opens, losers are told', async () => {
    const clients = createClientCluster(3, 1, true, { provider: 'none' });
    const one = await open(clients, 1);
    const told: boolean[] = [];
    const onReplaced = ({ lost }: { lost: boolean }) => told.push(lost);
    const three = await open(clients, 3, 'c', { onReplaced });
    await one.section('s').create(bytes('common'));
    clients.cluster.split([[1, 2], [3]]);
    await one.section('s').overwrite(bytes('here'));
    await three.section('s').overwrite(bytes('there'));
    await three.section('mine').create(bytes('kept'));
    const alone = await open(clients, 3, 'alone');
    await alone.section('a').create(bytes('kept, too'));
    clients.cluster.heal();
    expect(clients.cluster.hashes('ckpt').length).toBe(1);
    expect(text(await three.section('s').read())).toBe('here');
    expect(text(await one.section('s').read())).toBe('here');
    expect(told).toEqual([false]);
    expect(text(await one.section('mine').read())).toBe('kept');
    expect(text(await alone.section('a').read())).toBe('kept, too');
    await three.section('s').overwrite(bytes('together'));
    expect(text(await one.section('s').read())).toBe('together');
  });

  test('a side without quorum reads and opens, refuses writes with TRY_AGAIN, and nothing acknowledged is lost', async () => {
    const clients = createClientCluster(3);
    const one = await open(clients, 1);
    const three = await open(clients, 3);
    await one.section('s').create(bytes('common'));
    clients.cluster.split([[1, 2], [3]]);
    await one.section('s').overwrite(bytes('majority'));
    const refused = { code: SA_AIS_ERR_TRY_AGAIN };
    await expect(three.section('s').overwrite(bytes('minority'))).rejects.toMatchObject(refused);
    await expect(three.section('t').create(bytes('minority'))).rejects.toMatchObject(refused);
    expect(text(await three.section('s').read())).toBe('common');
    clients.cluster.heal();
    expect(text(await three.section('s').read())).toBe('majority');
    await three.section('s').overwrite(bytes('together'));
    expect(text(await one.section('s').read())).toBe('together');
  });
});

describe('an iteration', () => {
  test('returns each section that exists throughout exactly once, whatever happens meanwhile', async () => {
    const names = fc.constantFrom(...Array.from({ length: 12 }, (_, i) => `s${i}`));
    const steps = fc.array(fc.tuple(fc.constantFrom('next', 'create', 'delete', 'view'), names), {
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(names), steps, async (initial, script) => {
        const clients = createClientCluster(2);
        const reader = await open(clients, 1);
        const writer = await open(clients, 2);
        for (const id of initial) await writer.section(id).create();
        const throughout = new Set(initial);
        const seen: string[] = [];
        const iteration = reader.sections();
        const next = async () => {
          const { value, done } = await iteration.next();
          if (!done && value) seen.push(text(value.id));
          return done;
        };
        if (initial.length > 0) await next();
        const existing = new Set(initial);
        for (const [step, id] of script) {
          if (step === 'next') await next();
          else if (step === 'view') {
            clients.cluster.split([[1], [2]]);
            clients.cluster.heal();
          } else if (step === 'create' && !existing.has(id)) {
            await writer.section(id).create();
            existing.add(id);
          } else if (step === 'delete' && existing.has(id)) {
            await reader.section(id).delete();
            existing.delete(id);
            throughout.delete(id);
          }
        }
        while (!(await next()));
        for (const id of throughout) expect(seen.filter((one) => one === id)).toEqual([id]);
        expect(new Set(seen).size).toBe(seen.length);
      }),
      { numRuns: 40 },
    );
  });

  test('pages through more sections than one reply holds', async () => {
    const clients = createClientCluster(1, 1, false);
    const one = await open(clients, 1);
    const count = LIST_PAGE_MAX + 500;
    const names = Array.from({ length: count }, (_, i) => `n${i}`);
    await Promise.all(names.map((name) => one.section(name).create()));
    expect(new Set(await ids(one)).size).toBe(count);
  });

  test('does not return what its own client has just deleted, and ends on break', async () => {
    const clients = createClientCluster(1);
    const one = await open(clients, 1);
    for (const id of ['a', 'b', 'c']) await one.section(id).create();
    const seen: string[] = [];
    for await (const { id } of one.sections()) {
      seen.push(text(id));
      if (text(id) === 'a') await one.section('b').delete();
      if (text(id) === 'c') break;
    }
    expect(seen).toEqual(['a', 'c']);
  });

  test('of a full checkpoint does not hinder that NO_SPACE is answered', async () => {
    const clients = createClientCluster(1);
    const create = { ...CREATE, maxSections: 2 };
    const one = await open(clients, 1, 'small', { create });
    const made = [await one.createSection(bytes('x')), await one.createSection(bytes('y'))];
    await expect(one.createSection(bytes('z'))).rejects.toMatchObject({
      code: SA_AIS_ERR_NO_SPACE,
    });
    expect(await ids(one)).toEqual(made.map((section) => text(section.id)));
  });
});
