import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { linksOf } from './config.ts';
import { loadConfig, parseConfig } from './load.ts';
import type { Host } from './resolve.ts';

const host: Host = {
  env: { XDG_RUNTIME_DIR: '/run/user/1000' },
  hostname: 'alpha',
  uid: 1000,
  home: '/home/u',
  addresses: ['127.0.0.1', '10.0.0.1', 'fe80::1'],
};
const parse = (text: string) => parseConfig(text, 'c.yaml', host);
const three = `
nodelist:
  - {id: 1, name: a, address: 10.0.0.1}
  - {id: 2, name: b, address: 10.0.0.2}
  - {id: 3, name: c, address: 10.0.0.3, port: 6000}
`;

test('roles are given by service, uid and gid, and a shared socket follows', () => {
  const { config } = parse(`
ipc:
  access:
    - {service: '*', role: reader, gid: [50]}
    - {service: [lck, evt], role: user, uid: [5]}`);
  expect(config?.ipc).toMatchObject({
    mode: 0o666,
    access: [
      { services: ['*'], role: 'reader', uids: [], gids: [50] },
      { services: ['lck', 'evt'], role: 'user', uids: [5], gids: [] },
    ],
  });
});

test.each([
  ['a role for nobody', '{service: lck, role: user}', 'ipc.access[0]: says nobody'],
  [
    'an unknown role',
    '{service: lck, role: admin, uid: [5]}',
    'ipc.access[0].role: expected one of',
  ],
  [
    'a misspelt key',
    '{service: lck, services: lck, role: user, uid: [5]}',
    "ipc.access[0].services: unknown key; did you mean 'service'?",
  ],
  [
    'a user by name',
    '{service: lck, role: user, uid: [bob]}',
    'ipc.access[0].uid[0]: expected a number',
  ],
])('%s is refused with its place', (_, entry, problem) => {
  const { problems } = parse(`ipc:\n  access:\n    - ${entry}\n`);
  expect(problems).toEqual([expect.stringMatching(/^c\.yaml:3:\d+: /)]);
  expect(problems?.join()).toContain(problem);
});

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

describe('several links', () => {
  const links = `
totem: {link_mode: active, link_ports: [6000, 7000], allow_unsealed: true}
nodelist:
  - {id: 1, links: [10.0.0.1, '0:0:0:0:0:0:0:1', 10.2.0.1]}
  - {id: 2, links: [10.0.0.2, '::2'], port: 8000}
  - {id: 3, address: 10.0.0.3}
`;

  test('have an address each, and ports from the list, or one after the other', () => {
    const { config } = parse(links);
    expect(config?.totem.linkMode).toBe('active');
    expect(config?.node).toMatchObject({ id: 1, address: '10.0.0.1', port: 6000 });
    const places = config?.nodes.map((node) =>
      linksOf(node).map(({ address, port }) => `${address} ${port}`),
    );
    expect(places).toEqual([
      ['10.0.0.1 6000', '::1 7000', '10.2.0.1 5407'],
      ['10.0.0.2 8000', '::2 8001'],
      ['10.0.0.3 6000'],
    ]);
  });

  test('find this node by any of its addresses, as an interface may be down', () => {
    const { config } = parse(
      links.replace('10.0.0.1,', '10.0.9.1,').replace('10.2.0.1', '10.0.0.1'),
    );
    expect(config?.node.id).toBe(1);
  });

  test('one link in the list is a node with an address', () => {
    const { config } = parse('nodelist: [{id: 1, links: [10.0.0.1]}]');
    expect(config).toEqual(parse('nodelist: [{id: 1, address: 10.0.0.1}]').config);
  });

  test.each([
    [
      'neither address nor links',
      'nodelist: [{id: 1}]',
      'c.yaml:1:12: nodelist[0].address: missing; expected an IPv4 or IPv6 address, or links',
    ],
    [
      'both',
      'nodelist: [{id: 1, address: 10.0.0.1, links: [10.0.0.1]}]',
      'c.yaml:1:29: nodelist[0].address: links has the addresses: remove one of the two',
    ],
    [
      'the same address twice',
      links.replace("'::2'", '10.2.0.1').replace('port: 8000', 'port: 5406'),
      'nodelist[1].links[1]: duplicate: nodelist[0] has address 10.2.0.1 port 5407, too',
    ],
    [
      'two families on one network',
      links.replace("'::2'", '10.9.0.2'),
      'c.yaml:5:31: nodelist[1].links[1]: 10.9.0.2 is not of the same family (IPv4, IPv6) as nodelist[0]',
    ],
    [
      'a port beyond the last',
      links.replace('8000', '65535'),
      'nodelist[1].links[1]: port 65536 of link 1 is above 65535',
    ],
    [
      'nine',
      `nodelist: [{id: 1, links: [${Array.from({ length: 9 }, (_, i) => `10.${i}.0.1`)}]}]`,
      'nodelist[0].links: expected at most 8',
    ],
    [
      'transport udp',
      links.replace('link_mode: active', 'transport: udp'),
      'nodelist[0].links[1]: several links need the transport udpu; udp has one',
    ],
  ])('with %s are refused with their place', (_, text, expected) => {
    expect(parse(text).problems?.join('\n')).toContain(expected);
  });
});

describe('sealing', () => {
  test('a key file seals, and packets carry so much less that datagrams are no longer', () => {
    const clear = parse(`totem: {allow_unsealed: true}${three}`).config?.totem;
    const sealed = parse(`totem: {key_file: /k}${three}`).config?.totem;
    expect(clear?.seal).toBeUndefined();
    expect(sealed?.seal).toEqual({ keyFile: '/k', cipher: 'aes-256-gcm' });
    expect(sealed?.payloadBytesMax).toBe(clear!.payloadBytesMax - 40);
    expect(
      parse(`totem: {key_file: /k, cipher: chacha20-poly1305}${three}`).config?.totem.seal,
    ).toMatchObject({ cipher: 'chacha20-poly1305' });
  });

  test('nodes on loopback, and a node that is alone, need no word for the clear', () => {
    const two =
      'nodelist: [{id: 1, address: 127.0.0.1}, {id: 2, address: 127.0.0.2}]\nnode: {id: 1}';
    expect(parse(two).config?.totem.seal).toBeUndefined();
    expect(parse('nodelist: [{id: 1, address: 10.0.0.1}]').config).toBeDefined();
  });

  test('a second link on a network needs a word for the clear even when the first is loopback', () => {
    const two = `nodelist:
  - {id: 1, links: [127.0.0.1, 127.0.1.1]}
  - {id: 2, links: [127.0.0.2, 10.1.0.2]}
node: {id: 1}`;
    expect(parse(two).problems?.join('\n')).toContain(
      'nodelist[1].links[1]: 10.1.0.2 is on a network and nothing seals its packets',
    );
    expect(parse(`totem: {key_file: /k}\n${two}`).config?.totem.seal).toBeDefined();
  });
});

describe('a bad configuration names line, column, key, finding and remedy', () => {
  test.each([
    [
      'unknown key, near miss',
      'totem: {tokn: 5}',
      "c.yaml:1:9: totem.tokn: unknown key; did you mean 'token'?",
    ],
    [
      'unknown key of Corosync',
      'nodelist:\n  - ring0_addr: 1.2.3.4\n    id: 1',
      "c.yaml:2:5: nodelist[0].ring0_addr: unknown key; did you mean 'address'?",
    ],
    [
      'unknown key, nothing near',
      'frobnicate: 1',
      'c.yaml:1:1: frobnicate: unknown key; known here are cluster, node, engine, corosync, totem, nodelist',
    ],
    [
      'wrong type',
      'totem:\n  token: soon',
      'c.yaml:2:10: totem.token: expected a number, found "soon"',
    ],
    [
      'not whole',
      'totem: {token: 99.5}',
      'c.yaml:1:16: totem.token: expected a whole number, found 99.5',
    ],
    ['too small', 'totem: {token: 3}', 'c.yaml:1:16: totem.token: expected at least 30, found 3'],
    [
      'not in the list',
      'totem: {transport: knet}',
      'c.yaml:1:20: totem.transport: expected one of udpu, udp, found "knet"',
    ],
    [
      'missing',
      'nodelist:\n  - {address: 10.0.0.1}',
      'c.yaml:2:5: nodelist[0].id: missing; expected a number',
    ],
    [
      'a list for a mapping',
      'totem: [1]',
      'c.yaml:1:8: totem: expected a mapping (key: value), found a list',
    ],
    ['a text for the whole', 'hello', 'c.yaml:1:1: expected a mapping (key: value), found "hello"'],
    ['not YAML', 'a: [1,\nb: 2', 'c.yaml:2:1: '],
    ['the same key twice', 'log: {}\nlog: {}', 'c.yaml:2:1: Map keys must be unique'],
    [
      'no address',
      'nodelist: [{id: 1, address: alpha}]',
      'c.yaml:1:29: nodelist[0].address: expected an IPv4 or IPv6 address, found "alpha"',
    ],
    ['empty nodelist', 'nodelist: []', 'c.yaml:1:11: nodelist: expected at least 1 entries'],
    [
      'duplicate id',
      `${three}  - {id: 2, name: d, address: 10.0.0.4}`,
      'c.yaml:6:10: nodelist[3].id: duplicate: nodelist[1] has id 2, too',
    ],
    [
      'duplicate address',
      `${three}  - {id: 4, address: 10.0.0.2}`,
      'c.yaml:6:22: nodelist[3].address: duplicate: nodelist[1] has address 10.0.0.2 port 5405, too',
    ],
    [
      'two families',
      'nodelist:\n  - {id: 1, address: 10.0.0.1}\n  - {id: 2, address: "::1"}',
      'c.yaml:3:22: nodelist[1].address: ::1 is not of the same family',
    ],
    [
      'not in the nodelist',
      'nodelist: [{id: 1, address: 10.9.9.9}]',
      'c.yaml:1:11: nodelist: I cannot find myself in the nodelist (my addresses: 127.0.0.1, 10.0.0.1, fe80::1)',
    ],
    [
      'several of this host',
      'nodelist:\n  - {id: 1, address: 127.0.0.1}\n  - {id: 2, address: 127.0.0.2}',
      'c.yaml:2:3: nodelist: nodes 1, 2 all have an address of this host: say which with node.id',
    ],
    [
      'an unknown node.id',
      `node: {id: 9}${three}`,
      'c.yaml:1:12: node.id: not in the nodelist, which has 1 (a), 2 (b), 3 (c)',
    ],
    [
      'a node of another host',
      `node: {name: b}${three}`,
      'c.yaml:4:31: nodelist[1].address: 10.0.0.2 is not an address of this host',
    ],
    [
      'an upper bound of the token time-out below the lower one',
      'totem: {token: 1000, token_max: 900}',
      'c.yaml:1:33: totem.token_max: 900 ms is below the token time-out of 1000 ms',
    ],
    [
      'consensus too short',
      'totem: {token: 1000, consensus: 1000}',
      'c.yaml:1:33: totem.consensus: 1000 ms is too short for a token time-out of 1000 ms: at least 1200',
    ],
    [
      'join too long',
      'totem: {join: 5000}',
      'c.yaml:1:15: totem.join: 5000 ms is not shorter than consensus (480 ms)',
    ],
    [
      'token too short for retransmits',
      'totem: {token: 50}',
      'c.yaml:1:16: totem.token: retransmits of the token every 11 ms',
    ],
    [
      'too few votes',
      `quorum: {expected_votes: 2}${three}`,
      'c.yaml:1:26: quorum.expected_votes: 2 is less than the 3 votes',
    ],
    [
      'two_node of three',
      `quorum: {two_node: true}${three}`,
      'c.yaml:1:20: quorum.two_node: two_node needs exactly 2 expected votes, there are 3',
    ],
    [
      'two ways to go on that do not go together',
      `quorum: {wait_for_all: true, last_man_standing: true, auto_tie_breaker: true}${three}`,
      'quorum.auto_tie_breaker: cannot be beside last_man_standing: two parts could be quorate',
    ],
    [
      'a ring of ours with the engine corosync',
      'engine: corosync\nnode: {id: 1}\ntotem: {token: 1000}',
      'c.yaml:3:8: totem: this is the business of corosync.conf',
    ],
    [
      'the engine corosync without a nodeid',
      'engine: corosync',
      "c.yaml:1:9: engine: corosync needs to know this node: set node.id to Corosync's nodeid",
    ],
    [
      "Corosync's quorum without Corosync",
      'quorum: {provider: corosync}',
      "c.yaml:1:20: quorum.provider: corosync: only with 'engine: corosync'",
    ],
    [
      'nodes on a network that talk in the clear unasked',
      three,
      'c.yaml:3:31: nodelist[0].address: 10.0.0.1 is on a network and nothing seals its packets: make a key',
    ],
    [
      'a key, and packets in the clear',
      `totem: {key_file: /k, allow_unsealed: true}${three}`,
      'c.yaml:1:39: totem.allow_unsealed: cannot be beside key_file',
    ],
    [
      'a cipher without a key',
      'totem: {cipher: chacha20-poly1305}',
      'c.yaml:1:17: totem.cipher: means nothing without key_file',
    ],
    [
      'a cipher nobody has',
      'totem: {key_file: /k, cipher: rot13}',
      'c.yaml:1:31: totem.cipher: expected one of aes-256-gcm, chacha20-poly1305, found "rot13"',
    ],
    [
      "Corosync's name of the key",
      'totem: {keyfile: /etc/corosync/authkey}',
      "c.yaml:1:9: totem.keyfile: unknown key; did you mean 'key_file'?",
    ],
    [
      'permissions as a number',
      'ipc: {mode: 660}',
      'c.yaml:1:13: ipc.mode: expected a text, found 660',
    ],
    [
      'an unknown service',
      'services: [amf]',
      'c.yaml:1:12: services[0]: expected one of clm, lck, evt, ckpt, tmr, cpg, found "amf"',
    ],
  ])('%s', (_, text, expected) => {
    const { problems } = parse(text);
    expect(problems?.[0]).toContain(expected);
  });

  test('all problems are told, in the order of the file', () => {
    const { problems } = parse('log: {level: loud}\ntotem: {tokn: 1}\nstate_dir: 5');
    expect(problems?.map((problem) => problem.split(':')[1])).toEqual(['1', '2', '3']);
  });

  test('a file that is not there, a directory and a film are told apart', () => {
    const directory = mkdtempSync(join(tmpdir(), 'ais-config-'));
    expect(loadConfig(join(directory, 'none'), host).problems?.[0]).toMatch(/no such file/);
    expect(loadConfig(directory, host).problems?.[0]).toMatch(/cannot read/);
    writeFileSync(join(directory, 'film'), Buffer.alloc(2_000_000));
    expect(loadConfig(join(directory, 'film'), host).problems?.[0]).toMatch(/at most 1048576/);
    rmSync(directory, { recursive: true });
  });

  test('no text makes the loader throw', () => {
    const key = fc.constantFrom('totem', 'nodelist', 'node', 'ipc', 'x', '__proto__', 'id');
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom('1', '-1', '1e99', 'yes', '*a', '&a 1', '!!binary x', '"', '{', '- 1', '~'),
        fc
          .array(fc.tuple(key, tie('any')))
          .map((pairs) => `{${pairs.map((p) => p.join(': ')).join(', ')}}`),
      ),
    })).any;
    fc.assert(
      fc.property(value, fc.string(), (structured, loose) => {
        for (const text of [String(structured), loose]) {
          const { config, problems } = parse(text);
          expect(config === undefined).toBe(problems !== undefined);
        }
      }),
      { numRuns: 200 },
    );
  });
});
