// Jest 30 in ESM mode, running the TypeScript sources directly (no build needed). The source export
// condition makes `@aisexec/x` resolve to packages/x/src. Only the npm scripts start Jest: without
// --experimental-vm-modules it would silently turn everything into CommonJS (tools/jest-setup.mjs checks).
export default {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@aisexec/source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  setupFiles: ['<rootDir>/tools/jest-setup.mjs'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', explicitResourceManagement: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
  // Node 20 never frees the module graph of a finished ESM test file; recycle the workers instead.
  workerIdleMemoryLimit: '768MB',
  maxWorkers: 2,
  // A bound on hanging, no measure of speed: the machine may have other things to do.
  testTimeout: 60_000,
  testMatch: ['<rootDir>/packages/**/*.test.ts', '<rootDir>/test/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/packages/.*/dist/'],
  testPathIgnorePatterns: ['/node_modules/', '/skeleton/'],
};
