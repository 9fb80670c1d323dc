/** What is wrong with a configuration, where, and what to do. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CONFIG_BYTES_MAX, CONFIG_PROBLEMS_MAX } from '../limits.ts';
import { host, parse, three } from './config.fixture.ts';
import { loadConfig } from './load.ts';

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
    const [film] = loadConfig(join(directory, 'film'), host).problems ?? [];
    expect(film).toContain(`at most ${CONFIG_BYTES_MAX}`);
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

test('of a text that fits nowhere only the first problems are told, and the rest is not read', () => {
  const { stackTraceLimit } = Error;
  const { problems } = parse(`cluster: {name: x${'}'.repeat(100_000)}`);
  expect(Error.stackTraceLimit).toBe(stackTraceLimit);
  expect(problems).toHaveLength(CONFIG_PROBLEMS_MAX);
  expect(problems?.[1]).toMatch(/^c\.yaml:1:\d+: Unexpected flow-map-end token/);
  expect(problems?.at(-1)).toMatch(/^c\.yaml:1:\d+: so much is wrong before this/);
});

test.each(['[', '- ', 'a: '])('a largest text of nothing but %j is refused', (text) => {
  const { problems } = parse(text.repeat(CONFIG_BYTES_MAX / text.length));
  expect(problems?.length).toBeGreaterThan(0);
});
