/** What seals packets, and where they may be in the clear. */
import { describe, expect, test } from '@jest/globals';
import { parse, three } from './config.fixture.ts';

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
