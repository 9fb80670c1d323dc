import { describe, expect, test } from '@jest/globals';
import { parseCorosyncSource } from './corosync.ts';
import { parseConfig } from './load.ts';
import { multicastGroup } from './multicast.ts';
import type { Host } from './resolve.ts';

const host: Host = {
  env: { XDG_RUNTIME_DIR: '/run/user/1000' },
  hostname: 'alpha',
  uid: 1000,
  home: '/home/u',
  addresses: ['10.0.0.1'],
};
const NODES = `nodelist {
  node {
    nodeid: 1
    name: a
    ring0_addr: 10.0.0.1
  }
  node {
    nodeid: 2
    ring0_addr: 10.0.0.2
    quorum_votes: 2
  }
}`;
const GOOD = `# a comment
totem {
  version: 2
  cluster_name: wptest
  transport: udpu
  token: 1500
  knet_pmtud_interval: 30
  interface {
    ringnumber: 0
    mcastport: 6001
  }
}
${NODES}
quorum {
  provider: corosync_votequorum
}
logging {
  to_syslog: yes
  debug: on
}
system {
  state_dir: /var/lib/corosync
}
`;
const parse = (text: string) => parseConfig(text, 'corosync.conf', host);

describe('a corosync.conf', () => {
  test('is read as it is: nodelist, totem and quorum', () => {
    const { config, problems } = parse(GOOD);
    expect(problems).toBeUndefined();
    expect(config).toMatchObject({
      clusterName: 'wptest',
      node: { id: 1, name: 'a', address: '10.0.0.1', port: 6001 },
      nodes: [{ id: 1 }, { id: 2, address: '10.0.0.2', port: 6001 }],
      totem: { tokenMs: 1500, tokenMaxMs: 1500, consensusMs: 1800, transport: { type: 'udpu' } },
      quorum: { provider: 'votequorum', expectedVotes: 3, votes: { 2: 2 }, waitForAll: false },
      stateDir: '/var/lib/corosync/aisexec',
      log: { level: 'debug' },
      citizen: true,
    });
  });

  test('has the time-outs of Corosync even on loopback', () => {
    const text = GOOD.replaceAll('10.0.0.', '127.0.0.')
      .replace('token: 1500', '')
      .replace('version: 2', 'nodeid: 1');
    expect(parse(text).config?.totem).toMatchObject({ tokenMs: 3000, tokenMaxMs: 3000 });
  });

  test('with transport udp has the group that Corosync derives from the name', () => {
    const { config } = parse(GOOD.replace('udpu', 'udp'));
    expect(config?.totem.transport).toEqual({ type: 'udp', group: '239.192.28.138', ttl: 1 });
    expect(multicastGroup('wptest', 'inet6')).toMatch(/^ff15::[0-9a-f]+$/);
  });

  test('takes a group and a time to live as they are given', () => {
    const given = 'mcastaddr: 239.1.2.3\n    ttl: 4\n    mcastport';
    const { config } = parse(GOOD.replace('udpu', 'udp').replace('mcastport', given));
    expect(config?.totem.transport).toEqual({ type: 'udp', group: '239.1.2.3', ttl: 4 });
  });

  test('with two_node waits for all unless told otherwise', () => {
    const two = GOOD.replace('    quorum_votes: 2\n', '').replace(
      'corosync_votequorum',
      'corosync_votequorum\n  two_node: 1',
    );
    expect(parse(two).config?.quorum).toMatchObject({ twoNode: true, waitForAll: true });
    const not = two.replace('two_node: 1', 'two_node: 1\n  wait_for_all: 0');
    expect(parse(not).config?.quorum).toMatchObject({ twoNode: true, waitForAll: false });
  });

  test('may have several links, with the ports and the mode of Corosync', () => {
    const text = GOOD.replace('token: 1500', 'rrp_mode: active')
      .replace('ring0_addr: 10.0.0.1', 'ring0_addr: 10.0.0.1\n    ring1_addr: 10.1.0.1')
      .replace('ring0_addr: 10.0.0.2', 'ring1_addr: 10.1.0.2\n    ring0_addr: 10.0.0.2')
      .replace(
        'interface {',
        'interface {\n    linknumber: 1\n    mcastport: 7001\n  }\n  interface {',
      );
    const { config } = parse(text);
    expect(config?.totem.linkMode).toBe('active');
    expect(config?.nodes.map(({ links }) => links)).toEqual([
      [
        { address: '10.0.0.1', family: 'inet', port: 6001 },
        { address: '10.1.0.1', family: 'inet', port: 7001 },
      ],
      [
        { address: '10.0.0.2', family: 'inet', port: 6001 },
        { address: '10.1.0.2', family: 'inet', port: 7001 },
      ],
    ]);
  });

  test('may give a second link to some: the others are plain members on ring 0', () => {
    const { config } = parse(
      GOOD.replace('ring0_addr: 10.0.0.1', 'ring0_addr: 10.0.0.1\n    ring1_addr: 10.1.0.1'),
    );
    expect(config?.nodes.map(({ links }) => links?.length)).toEqual([2, undefined]);
    expect(config?.totem.linkMode).toBe('passive');
  });

  test('without a quorum provider has none', () => {
    const text = GOOD.replace('provider: corosync_votequorum', '');
    expect(parse(text).config?.quorum.provider).toBe('none');
  });

  test('may name its nodes: names are resolved', () => {
    const source = parseCorosyncSource(GOOD.replace('10.0.0.2', 'beta'), (name) =>
      name === 'beta' ? '10.0.0.9' : undefined,
    );
    expect(source.value).toMatchObject({ nodelist: [{ id: 1 }, { address: '10.0.0.9' }] });
    const unknown = parseCorosyncSource(GOOD.replace('10.0.0.2', 'beta'), () => undefined);
    expect(unknown.problems[0]?.text).toContain("no address is known for 'beta'");
  });

  test.each([
    ['knet', GOOD.replace('udpu', 'knet'), '5:3: totem.transport: expected one of udpu, udp'],
    ['the default transport', GOOD.replace('transport: udpu', ''), 'totem.transport: missing'],
    [
      'encryption',
      GOOD.replace('udpu', 'udpu\n  crypto_cipher: aes256'),
      '6:3: totem.crypto_cipher',
    ],
    [
      'a hole among the links',
      GOOD.replace('quorum_votes: 2', 'ring2_addr: 10.1.0.2'),
      '22:5: nodelist.node.ring2_addr: without a ring1_addr',
    ],
    [
      'a ninth link',
      GOOD.replace(
        'quorum_votes: 2',
        Array.from({ length: 8 }, (_, i) => `ring${i + 1}_addr: 10.${i + 1}.0.2`).join('\n'),
      ),
      'nodelist.node.ring8_addr: links are 0 to 7',
    ],
    [
      'a second link of transport udp',
      GOOD.replace('udpu', 'udp').replace('quorum_votes: 2', 'ring1_addr: 10.1.0.2'),
      '22:5: nodelist[1].links[1]: several links need the transport udpu',
    ],
    [
      'a link mode of knet',
      GOOD.replace('token: 1500', 'link_mode: rr'),
      '6:3: totem.link_mode: expected one of passive, active, found "rr"',
    ],
    [
      'an interface that cannot be',
      GOOD.replace('ringnumber: 0', 'linknumber: 8'),
      '8:3: totem.interface 8: links are 0 to 7',
    ],
    ['a node without id', GOOD.replace('nodeid: 2', ''), '19:3: nodelist[1].id: missing'],
    [
      'no number',
      GOOD.replace('1500', 'fast'),
      '6:3: totem.token: expected a number, found "fast"',
    ],
    ['a device', GOOD.replace('quorum {', 'quorum {\n  device {\n  }'), 'quorum.device'],
    [
      'another tie breaker',
      GOOD.replace('quorum {', 'quorum {\n  auto_tie_breaker: 1'),
      'quorum.auto_tie_breaker',
    ],
    ['an open section', GOOD.slice(0, -2), "section 'system' is not closed"],
    ['one brace too many', `${GOOD}}`, "'}' without a section"],
    ['prose', `hello\n${GOOD}`, "1:1: expected 'key: value'"],
    ['no nodes', GOOD.replace(NODES, ''), 'nodelist: missing'],
  ])('with %s is refused with its line', (_, text, expected) => {
    expect(parse(text).problems?.join('\n')).toContain(expected);
  });
});
