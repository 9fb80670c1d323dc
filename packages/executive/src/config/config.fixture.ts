/** Configurations as their tests read them: the host that reads, and three nodes on a network. */
import { parseConfig } from './load.ts';
import type { Host } from './resolve.ts';

export const host: Host = {
  env: { XDG_RUNTIME_DIR: '/run/user/1000' },
  hostname: 'alpha',
  uid: 1000,
  home: '/home/u',
  addresses: ['127.0.0.1', '10.0.0.1', 'fe80::1'],
};
export const parse = (text: string) => parseConfig(text, 'c.yaml', host);
export const three = `
nodelist:
  - {id: 1, name: a, address: 10.0.0.1}
  - {id: 2, name: b, address: 10.0.0.2}
  - {id: 3, name: c, address: 10.0.0.3, port: 6000}
`;
