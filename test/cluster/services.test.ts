import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SA_AIS_ERR_BAD_HANDLE, SA_AIS_ERR_LIBRARY, SA_AIS_OK } from '@aisexec/ais';
import { LocalCluster } from '@aisexec/executive/local-cluster';
import { type ClientConnection, socketConnector } from '@aisexec/ipc';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Tally } from '../../packages/ctl/skeleton/src/client.ts';
import {
  aisctl,
  installPackage,
  installPackages,
  newService,
  writeModule,
} from './services.fixture.ts';
import { eventually, membersEverywhere, TEST_TIMEOUT_MS } from './support.fixture.ts';

jest.setTimeout(TEST_TIMEOUT_MS);

let place = '';
let cluster: LocalCluster;
const log: { event: string; node: number; service?: string; reason?: string }[] = [];

const loop = 'for (;;) {}';
const SERVICES = [
  'clm',
  { module: '@acme/tally/service', config: { polls: 2 } },
  { module: '@acme/tally/service', config: { pols: 2 } },
  { module: './old.mjs' },
  { module: './taken.mjs' },
  { module: './no-init.mjs' },
  { module: './absent.mjs' },
  { module: './thrower.mjs' },
  { module: './stuck.mjs' },
];

beforeAll(async () => {
  cluster = await LocalCluster.prepare({
    nodes: 3,
    services: SERVICES,
    watchdog: { warn: 200, kill: 3_000 },
    onLog: (_node, line) => log.push(JSON.parse(line)),
  });
  place = cluster.directory;
  await installPackages(place);
  const tally = await newService(place, 'tally');
  await installPackage(place, tally, '@acme/tally');
  for (const { directory: here } of cluster.nodes) {
    await mkdir(here, { recursive: true });
    await writeModule(here, 'old', { id: 51, api: 0 });
    await writeModule(here, 'taken', { id: 50 });
    await writeModule(here, 'no-init', {
      id: 52,
      fields: "init: () => { throw new Error('no luck'); },",
    });
    await writeModule(here, 'thrower', {
      id: 53,
      fields: `exec: { add: { message: s.object({}), apply: () => { throw new Error('in apply'); } } },`,
    });
    await writeModule(here, 'stuck', {
      id: 54,
      fields: `lib: { hang: { request: s.object({}), flow: 'local', handle: () => { ${loop} } } },`,
    });
    await writeModule(here, 'extra', { id: 55 });
  }
  await cluster.startAll();
  await membersEverywhere(cluster.nodes, 3);
}, TEST_TIMEOUT_MS);

afterAll(async () => {
  await cluster?.stop();
}, TEST_TIMEOUT_MS);

const socketOf = (node: number) => cluster.nodes[node - 1]!.socket;

async function listed(
  node: number,
): Promise<Record<string, { state: string; reason: string; nodes: number[] }>> {
  const { stdout } = await aisctl(['services', '--format', 'json', '--socket', socketOf(node)]);
  const { services } = JSON.parse(stdout) as {
    services: { name: string; state: string; reason: string; nodes: number[] }[];
  };
  return Object.fromEntries(services.map((service) => [service.name, service]));
}

const isSoup = (counts: Readonly<Record<string, number>>) => counts['soup'] === 1;

const change = (node: number, operation: string, name: string) =>
  aisctl(['services', operation, name, '--socket', socketOf(node)]);

function connectTo(node: number, service: string): Promise<ClientConnection> {
  return socketConnector(socketOf(node)).connect(service);
}

test(
  'the skeleton compiles, and its own test passes',
  async () => {
    const file = join(place, 'tally/dist/service.test.js');
    const { stdout } = await promisify(execFile)(process.execPath, ['--test', file], {
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    // Which reporter Node.js chooses differs from release to release.
    expect(stdout).toMatch(/^(#|ℹ) pass 2\n\1 fail 0$/m);
  },
  TEST_TIMEOUT_MS,
);

describe('a service that was installed from npm', () => {
  test('serves clients of all nodes', async () => {
    const [one, three] = [
      await Tally.connect({ socket: socketOf(1) }),
      await Tally.connect({ socket: socketOf(3) }),
    ];
    await one.open('lunch', 60_000);
    await three.vote('lunch', 'ann', 'soup');
    await expect(three.vote('lunch', 'ann', 'pie')).rejects.toThrow(/EXIST/);
    const counts = (tally: Tally) => eventually(() => tally.count('lunch'), isSoup, 'counts');
    for (const tally of [one, three]) expect(await counts(tally)).toEqual({ soup: 1 });
    await one.open('dinner', 60_000);
    // Its own configuration says two.
    await expect(one.open('c', 60_000)).rejects.toThrow(/NO_RESOURCES/);
    await Promise.all([one.close(), three.close()]);
  });

  test('is listed with its version, its nodes and where it comes from', async () => {
    const { stdout } = await aisctl(['services', '--socket', socketOf(2)]);
    expect(stdout).toMatch(/^50 +tally +running +A\.1\.1 +1,2,3 +@acme\/tally\/service *$/m);
    expect(stdout).toMatch(/^1 +clm +running .*built in *$/m);
  });
});

describe('a module that is no service for this executive', () => {
  test('is named with the reason, and the others run', async () => {
    const services = await listed(1);
    const file = join(cluster.nodes[0]!.directory, 'aisexec.yaml');
    const reasons = Object.values(services).map(({ reason }) => reason);
    const misspelt = reasons.find((reason) => reason.includes('pols'));
    expect(misspelt).toContain(file);
    expect(misspelt).toMatch(
      /aisexec\.yaml:\d+:\d+: services\[2\]\.config\.pols: unknown key; known here are polls/,
    );
    expect(services['./old.mjs']?.reason).toMatch(/version 0 of the service contract/);
    expect(services['taken']?.reason).toMatch(/id 50 is taken by service 'tally'/);
    expect(services['no-init']).toMatchObject({ state: 'failed', reason: 'init: no luck' });
    expect(services['./absent.mjs']?.reason).toMatch(/no module '.\/absent.mjs' \(looked for \//);
    expect(services['clm']?.state).toBe('running');
    const refused = log.filter(({ event, node }) => event === 'service-refused' && node === 1);
    expect(refused).toHaveLength(4);
  });
});

test('a service that throws is stopped, its clients have an answer, the others go on', async () => {
  const connection = await connectTo(2, 'thrower');
  expect((await connection.request('add', {})).rc).toBe(SA_AIS_ERR_LIBRARY);
  expect((await connection.request('get', {})).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
  const { thrower, tally } = await listed(2);
  expect(thrower).toMatchObject({ state: 'failed', reason: 'exec add: in apply' });
  expect(tally?.state).toBe('running');
  const failed = log.find(
    ({ event, node, service }) => event === 'service-failed' && node === 2 && service === 'thrower',
  );
  expect(failed).toBeDefined();
  await membersEverywhere(cluster.nodes, 3);
});

test(
  'services are loaded, reloaded and unloaded while the cluster runs',
  async () => {
    const path = join(cluster.nodes[0]!.directory, 'extra.mjs');
    expect(await change(1, 'load', path)).toMatchObject({ code: 0, stdout: 'extra: loaded\n' });
    const connection = await connectTo(1, 'extra');
    for (const value of [1, 2]) {
      expect(await connection.request('add', {})).toMatchObject({ rc: SA_AIS_OK, value });
    }
    // The second node gets the state of the first.
    expect(await change(2, 'load', './extra.mjs')).toMatchObject({ code: 0 });
    const second = await connectTo(2, 'extra');
    expect(await second.request('get', {})).toMatchObject({ value: 2 });
    expect((await listed(3))['extra']).toBeUndefined();
    await expect(connectTo(3, 'extra')).rejects.toThrow(/NOT_SUPPORTED/);
    // New code on the first: state and clients stay.
    const here = cluster.nodes[0]!.directory;
    const part = (text: string) =>
      writeFile(join(here, 'deep.mjs'), `export const part = '${text}';`);
    await writeFile(join(here, 'part.mjs'), `export { part } from './deep.mjs';`);
    await part('one');
    await writeModule(here, 'extra', {
      id: 55,
      imports: `import { part } from './part.mjs';`,
      fields: `inspect: (state) => ({ now: state.value, part }),`,
    });
    expect(await change(1, 'reload', 'extra')).toMatchObject({ code: 0 });
    expect(await connection.request('add', {})).toMatchObject({ value: 3 });
    const inspected = async () => {
      const where = ['--format', 'json', '--socket', socketOf(1)];
      return JSON.parse((await aisctl(['inspect', 'extra', ...where])).stdout);
    };
    expect(await inspected()).toMatchObject({ state: { now: 3, part: 'one' } });
    // What the module imports is new code, too.
    await part('two');
    expect(await change(1, 'reload', 'extra')).toMatchObject({ code: 0 });
    expect(await inspected()).toMatchObject({ state: { now: 3, part: 'two' } });
    // Code that is broken is refused, and the old goes on.
    await writeModule(cluster.nodes[0]!.directory, 'extra', { id: 55, api: 7 });
    const refused = await change(1, 'reload', 'extra');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/version 7/) });
    expect(await connection.request('add', {})).toMatchObject({ value: 4 });
    expect(await change(1, 'unload', 'extra')).toMatchObject({ code: 0 });
    expect((await connection.request('get', {})).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
    expect(await second.request('add', {})).toMatchObject({ value: 5 });
    expect(await change(1, 'unload', 'extra')).toMatchObject({ code: 1 });
  },
  TEST_TIMEOUT_MS,
);

test(
  'a service that never yields is named, its node ends, and does not load it again',
  async () => {
    const connection = await connectTo(3, 'stuck');
    const gone = cluster.nodes[2]!.exited();
    const together = membersEverywhere(cluster.nodes.slice(0, 2), 2);
    expect((await connection.request('hang', {})).rc).toBe(SA_AIS_ERR_LIBRARY);
    await gone;
    const named = log.filter(({ event, node }) => node === 3 && event.startsWith('service-stuck'));
    expect(named).toMatchObject([{ service: 'stuck' }, { event: 'service-stuck-end' }]);
    await together;
    expect((await listed(1))['stuck']?.state).toBe('running');
    await cluster.nodes[2]!.start();
    await membersEverywhere(cluster.nodes, 3);
    expect((await listed(3))['stuck']).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/did not give the thread back/),
    });
    expect(await change(3, 'load', 'stuck')).toMatchObject({ code: 0 });
    const { stuck } = await eventually(
      () => listed(3),
      (services) => services['stuck']?.state === 'running',
      'the service runs again',
    );
    expect(stuck?.nodes).toEqual([1, 2, 3]);
  },
  TEST_TIMEOUT_MS,
);
