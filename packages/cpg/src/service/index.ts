/**
 * CPG for an executive that is a citizen of a Corosync ring: a {@link CpgService} is one of the services
 * that `createCitizen` runs in group `a`.
 *
 * @packageDocumentation
 */
export { type CpgConnection, type CpgService, createCpgService } from './cpg.ts';
