/** The services that come with the executive, by the names that the configuration uses. */
import { ckptService } from '@aisexec/ckpt/service';
import { createClmService } from '@aisexec/clm/service';
import { evtService } from '@aisexec/evt/service';
import { lckService } from '@aisexec/lck/service';
import type { ServiceDefinition } from '@aisexec/service';
import { tmrService } from '@aisexec/tmr/service';
import type { ServiceName } from './config/config.ts';

// biome-ignore lint/suspicious/noExplicitAny: services of one table differ in their states
const SERVICES: Readonly<Record<ServiceName, ServiceDefinition<any>>> = {
  clm: createClmService({ administrators: [0, process.getuid?.() ?? -1] }),
  lck: lckService,
  evt: evtService,
  ckpt: ckptService,
  tmr: tmrService,
};

// biome-ignore lint/suspicious/noExplicitAny: as above
export function builtinNamed(name: ServiceName): ServiceDefinition<any> {
  return SERVICES[name];
}

// biome-ignore lint/suspicious/noExplicitAny: as above
export function servicesNamed(names: readonly ServiceName[]): readonly ServiceDefinition<any>[] {
  return names.map((name) => SERVICES[name]);
}
