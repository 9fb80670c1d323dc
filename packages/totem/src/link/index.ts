/** Several networks under one ring: see contract.ts. */
export * from './contract.ts';
export { LINK_MAGIC } from './frame.ts';
export { LINKS_MAX } from './limits.ts';
export { createLinks } from './machine.ts';
