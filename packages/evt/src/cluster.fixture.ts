/** Clients in process on a cluster with the event service. */
import { type ClientWorld, createClientWorld } from '../../../test/fixtures/client-world.ts';
import { clmOfThisProcess } from '../../clm/src/removal.fixture.ts';
import { evtService } from './service/index.ts';

export type World = ClientWorld;

export function createWorld(nodes = 2): World {
  return createClientWorld({ nodes, services: [clmOfThisProcess, evtService] });
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
