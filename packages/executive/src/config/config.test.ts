/** What a good configuration says, and what holds where it says nothing. */
import { describe, expect, test } from '@jest/globals';
import { host, parse, three } from './config.fixture.ts';
import { loadConfig } from './load.ts';

describe('a good configuration', () => {
  test('no file at all is one node on loopback, in the places of this user', () => {
    const { config } = loadConfig(undefined, host);
    expect(config?.node).toEqual({
      id: 1,
      name: 'alpha',
      address: '127.0.0.1',
      family: 'inet',
      port: 0,
    });
    expect(config?.stateDir).toBe('/home/u/.local/state/aisexec');
    expect(config?.ipc).toMatchObject({
      mode: 0o600,
      allowUids: [],
      allowGids: [],
      access: [],
      graceMs: 5_000,
    });
    expect(config?.totem).toMatchObject({
      tokenMs: 400,
      tokenMaxMs: 2000,
      consensusMs: 480,
      tokenRetransmitMs: 32,
    });
    expect(config?.totem).toMatchObject({
      payloadBytesMax: 16_266,
      windowSize: 24,
      maxMessages: 8,
    });
    expect(config?.services).toEqual(['clm', 'lck', 'evt', 'ckpt', 'tmr']);
    expect(config?.stateCheckS).toBeNull();
    expect(parse('# only a comment\n').config).toEqual(config);
  });

  test('a network has a token time-out up to that of Corosync, and this node is found by its address', () => {
    const { config } = parse(`totem: {allow_unsealed: true}${three}`);
    expect(config?.node).toMatchObject({ id: 1, name: 'a', port: 5405 });
    expect(config?.nodes.map(({ id, port }) => [id, port])).toEqual([
      [1, 5405],
      [2, 5405],
      [3, 6000],
    ]);
    expect(config?.totem).toMatchObject({
      tokenMs: 1250,
      tokenMaxMs: 3650,
      tokenRetransmitMs: 77,
      holdMs: 51,
      joinMs: 50,
      consensusMs: 1500,
      mergeMs: 200,
      windowSize: 50,
      maxMessages: 50,
      payloadBytesMax: 1382,
    });
    expect(config?.quorum).toMatchObject({
      provider: 'votequorum',
      expectedVotes: 3,
      twoNode: false,
    });
  });

  test('everything that can be said is heard', () => {
    const { config } = parse(`
cluster: {name: prod}
node: {id: 2}
totem: {transport: udpu, token: 1000, token_coefficient: 0, consensus: 2000, netmtu: 9000, port: 7000}
nodelist:
  - {id: 1, address: '::1', port: 7001}
  - {id: 2, address: 0:0:0:0:0:0:0:1}
quorum: {provider: none, expected_votes: 2, two_node: true}
ipc: {socket: /tmp/s, mode: '0660', allow: {uid: [5], gid: [6, 7]}, grace: 250}
state_dir: /tmp/state
log: {level: debug, format: json}
state_check: 60
services: [evt, clm]
`);
    expect(config).toMatchObject({
      clusterName: 'prod',
      node: { id: 2, name: 'node-2', address: '::1', family: 'inet6', port: 7000 },
      totem: {
        tokenMs: 1000,
        tokenMaxMs: 1000,
        consensusMs: 2000,
        payloadBytesMax: 8882,
        windowSize: 50,
      },
      quorum: { provider: 'none', twoNode: true },
      ipc: { socket: '/tmp/s', mode: 0o660, allowUids: [5], allowGids: [6, 7], graceMs: 250 },
      stateDir: '/tmp/state',
      log: { level: 'debug', format: 'json' },
      stateCheckS: 60,
      services: ['clm', 'evt'],
    });
  });
});
