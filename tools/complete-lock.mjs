// Completes package-lock.json after `npm install`: a registry mirror that holds only this machine's
// binaries leaves other platforms' optional packages out of the lock, `npm ci` then refuses, and a clone
// on another platform would install without them (npm/cli#4828). Their versions are pinned exactly by the
// packages that list them, and their names say which platform they are for.
import { readFileSync, writeFileSync } from 'node:fs';

const OS = [
  'android',
  'darwin',
  'freebsd',
  'linux',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
  'aix',
  'netbsd',
];
const CPU = {
  x64: 'x64',
  arm64: 'arm64',
  ia32: 'ia32',
  arm: 'arm',
  ppc64: 'ppc64',
  s390x: 's390x',
  riscv64: 'riscv64',
  riscv64d: 'riscv64',
  loong64: 'loong64',
};

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
let added = 0;
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (path === '' || key in lock.packages || !/^\d/.test(version)) continue;
    const parts = name.split(/[-/]/);
    const os =
      parts.find((part) => OS.includes(part)) ?? (parts.includes('wasm32') ? 'none' : undefined);
    const cpu =
      parts.map((part) => CPU[part]).find(Boolean) ??
      parts.find((part) => /^(arm|wasm32)/.test(part));
    if (os === undefined || cpu === undefined) continue;
    lock.packages[key] = {
      version,
      cpu: [cpu],
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
      os: [os],
    };
    added++;
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)),
);
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
console.log(`complete-lock: ${added} platform packages added`);
