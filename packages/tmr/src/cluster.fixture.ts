/** Clients in process on a cluster with the timer service. */
import { type ClientWorld, createClientWorld } from '../../../test/fixtures/client-world.ts';
import { tmrService } from './service/index.ts';

export type World = ClientWorld;

export function createWorld(nodes = 2): World {
  return createClientWorld({ nodes, services: [tmrService] });
}
