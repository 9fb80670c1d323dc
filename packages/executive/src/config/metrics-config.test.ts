import { describe, expect, test } from '@jest/globals';
import { parseConfig } from './load.ts';

const metricsOf = (text: string) => parseConfig(`metrics: ${text}`, 'test');

describe('where metrics are served', () => {
  test('is nowhere, a socket, or a port of a loopback address', () => {
    expect(parseConfig('', 'test').config?.metrics).toBeUndefined();
    expect(metricsOf('{socket: /run/m}').config?.metrics).toEqual({ socket: '/run/m' });
    expect(metricsOf('{port: 9664}').config?.metrics).toEqual({
      address: '127.0.0.1',
      port: 9_664,
    });
    expect(metricsOf("{port: 9664, address: '::1'}").config?.metrics).toEqual({
      address: '::1',
      port: 9_664,
    });
  });

  test.each([
    ['{}', 'needs socket (a path) or port, and not both'],
    ['{socket: /m, port: 1}', 'needs socket (a path) or port, and not both'],
    ['{socket: /m, address: 127.0.0.1}', 'means nothing with socket'],
    ['{port: 9664, address: 0.0.0.0}', 'no loopback address'],
    ['{port: 0}', 'metrics.port'],
    ['{port: 9664, path: /x}', 'path'],
  ])('%s is refused: %s', (text, why) => {
    expect(metricsOf(text).problems?.join()).toContain(why);
  });
});
