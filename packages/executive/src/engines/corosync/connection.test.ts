import { expect, test } from '@jest/globals';
import type { NativeCall } from '../../drivers/native.ts';
import { createConnect } from './connection.ts';
import { CS } from './errors.ts';
import type { Libraries } from './libraries.ts';

/** Libraries whose calls succeed, and the order in which they are made. */
function fakeLibraries(nodeId: number) {
  const calls: string[] = [];
  const call = (name: string) => {
    const now = (...args: readonly unknown[]) => {
      calls.push(name);
      // cpg_local_get, quorum_initialize: this node, a quorum provider.
      if (name === 'cpg.local') (args[1] as Buffer).writeUInt32LE(nodeId);
      if (name === 'quorum.initialize') (args[2] as Buffer).writeUInt32LE(1);
      return CS.ok;
    };
    const async = (...args: readonly unknown[]) => {
      const done = args.at(-1) as (error: null, result: number) => void;
      const result = now(...args.slice(0, -1));
      setImmediate(() => done(null, result));
    };
    return Object.assign(now, { async }) as unknown as NativeCall;
  };
  const all = (library: string) =>
    new Proxy({}, { get: (_, name) => call(`${library}.${String(name)}`) });
  const libraries = {
    koffi: { register: () => 1n, unregister: () => {} },
    onThreads: new Set(),
    cpg: all('cpg'),
    quorum: all('quorum'),
    votes: all('votes'),
    map: all('map'),
    protos: {},
  } as unknown as Libraries;
  return { libraries, calls };
}

const EVENTS = {
  received() {},
  changed() {},
  ring() {},
  quorum() {},
  dispatched() {},
  lost() {},
};
const OPTIONS = { group: 'aisexec', nodeId: 3, quorum: true, events: EVENTS };
const NO_POLLER = { watch: () => ({ close() {} }) };

test('joins the group when everything else is done, since the others wait for a member', async () => {
  const { libraries, calls } = fakeLibraries(3);
  const connection = await createConnect(libraries, NO_POLLER)(OPTIONS);
  expect(calls.at(-1)).toBe('cpg.join');
  expect(calls).toContain('quorum.track');
  expect(calls).toContain('map.u32');
  await connection.close();
  expect(calls.slice(-4)).toEqual([
    'cpg.finalize',
    'quorum.finalize',
    'votes.finalize',
    'map.finalize',
  ]);
});

test('a node that is another one than its Corosync never joins', async () => {
  const { libraries, calls } = fakeLibraries(4);
  await expect(createConnect(libraries, NO_POLLER)(OPTIONS)).rejects.toThrow('set node.id to 4');
  expect(calls).not.toContain('cpg.join');
});
