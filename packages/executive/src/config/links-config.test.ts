/** Nodes with several links, each with an address and a port. */
import { describe, expect, test } from '@jest/globals';
import { parse } from './config.fixture.ts';
import { linksOf } from './config.ts';

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
