// The arrows of the house (docs/ARCHITECTURE.md): who may import whom, and the purity of the core.
// Paths are matched against sources; workspace imports are resolved to packages/*/src.
const pkg = (names) => `^packages/(${names.join('|')})/`;
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  comment: `${name}: allowed are ${allowed.join(', ')}`,
  from: { path: from, pathNot: '\\.test\\.ts$|\\.fixture\\.ts$' },
  to: { path: '^packages/', pathNot: allowed },
});
const services = ['clm', 'lck', 'evt', 'ckpt', 'cpg', 'tmr'];
const own = (name) => `^packages/${name}/`;

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
    only('ais-imports-nothing', own('ais'), [own('ais')]),
    only('totem-arrows', own('totem'), [pkg(['ais', 'totem'])]),
    only('service-arrows', own('service'), [
      pkg(['ais', 'service']),
      '^packages/totem/src/(index|contract)\\.ts$',
    ]),
    only('ipc-arrows', own('ipc'), [pkg(['ais', 'ipc'])]),
    ...services.map((name) =>
      only(`${name}-arrows`, own(name), [pkg(['ais', 'service', 'ipc']), own(name)]),
    ),
    ...services.map((name) => ({
      name: `${name}-service-is-pure`,
      severity: 'error',
      comment: 'a service module sees neither its client nor the connection layer',
      from: { path: `^packages/${name}/src/(service/|protocol\\.ts)`, pathNot: '\\.test\\.ts$' },
      to: { path: `^packages/(ipc/|${name}/src/(client/|index\\.ts))` },
    })),
    ...services.map((name) => ({
      name: `${name}-client-without-server`,
      severity: 'error',
      comment: 'a client sees of its service only the shared protocol',
      from: { path: `^packages/${name}/src/(client/|index\\.ts)`, pathNot: '\\.test\\.ts$' },
      to: { path: `^packages/(${name}/src/service/|ipc/src/server/)` },
    })),
    only('quorum-arrows', own('quorum'), [pkg(['ais', 'ipc', 'quorum'])]),
    only('ctl-arrows', own('ctl'), [
      pkg(['ais', 'ipc', 'ctl']),
      '^packages/executive/src/key-file\\.ts$',
      `^packages/(${services.join('|')})/src/index\\.ts$`,
    ]),
    only('simulator-arrows', own('simulator'), [
      pkg(['ais', 'totem', 'service', 'simulator']),
      `^packages/(${services.join('|')})/src/(service/|protocol)`,
    ]),
    {
      name: 'pure-packages-see-no-platform',
      severity: 'error',
      from: {
        path: `^packages/(ais|totem|service)/src|^packages/(${services.join('|')})/src/(service/|protocol\\.ts)`,
        pathNot: '\\.test\\.ts$',
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-undeclared-dependencies',
      severity: 'error',
      from: { pathNot: '\\.test\\.ts$|^test/' },
      to: {
        pathNot: '^packages/',
        dependencyTypes: ['unknown', 'undetermined', 'npm-no-pkg', 'npm-unknown', 'npm-dev'],
        dependencyTypesNot: ['type-only'],
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/|/skeleton/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.test.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@aisexec/source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs'],
    },
  },
};
