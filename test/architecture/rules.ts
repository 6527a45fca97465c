import type {
  IForbiddenRuleType,
  IReachabilityForbiddenRuleType,
  IRegularForbiddenRuleType,
} from 'dependency-cruiser'
import {
  builtinsOnly,
  packages,
  type Room,
  reachingBuiltins,
  rooms,
  sealerWords,
  typesEverywhere,
} from './rooms.ts'

type From = IRegularForbiddenRuleType['from']
type To = IRegularForbiddenRuleType['to'] | IReachabilityForbiddenRuleType['to']

const quote = (text: string): string => text.replace(/[.]/g, String.raw`\.`)
const inside = (room: Room): string => (room.endsWith('.ts') ? `^src/${quote(room)}$` : `^src/${room}/`)
const known = Object.keys(rooms) as Room[]
const demoCommand = String.raw`^src/cli/commands/demo\.ts$`

/** The platform is a row of small rooms, each with a door of its own. */
function doors(room: Room): readonly string[] {
  if (room.endsWith('.ts')) return [inside(room)]
  const door = String.raw`^src/${room}/index\.ts$`
  return room === 'platform' ? [door, String.raw`^src/platform/[^/]+/index\.ts$`] : [door]
}

function rule(name: string, comment: string, from: From, to: To): IForbiddenRuleType {
  return { name, severity: 'error', comment, from, to }
}

const arrows = known.map(room =>
  rule(
    `room ${room}`,
    `src/${room} may import itself and the doors of: ${rooms[room].join(', ') || 'nobody'}.`,
    { path: inside(room), ...(room === 'cli' ? { pathNot: demoCommand } : {}) },
    {
      path: '^src/',
      pathNot: [
        inside(room),
        ...rooms[room].flatMap(doors),
        ...(sealerWords.includes(room) ? doors('sealer/host') : []),
      ],
    },
  ),
)

const words = rule(
  'sealer words',
  'These rooms use types of the sealer, and could not start one.',
  { path: sealerWords.map(inside) },
  { path: doors('sealer/host')[0] ?? '', dependencyTypesNot: ['type-only'] },
)

const demo = [
  rule(
    'room cli, demo command',
    'The demo command may import what the cli may, and the demo.',
    { path: demoCommand },
    { path: '^src/', pathNot: [inside('cli'), ...rooms.cli.flatMap(doors), ...doors('demo')] },
  ),
  rule(
    'demo is lazy',
    'Only `await import()` brings in the demo: a gateway never has it in memory.',
    { path: '^src/', pathNot: inside('demo') },
    { path: inside('demo'), dynamic: false, dependencyTypesNot: ['type-only'] },
  ),
  rule(
    'demo is out of reach',
    'Nothing that serves reaches the demo and its shortcut to activate a recipient.',
    { path: [inside('gateway'), String.raw`^src/cli/commands/serve\.ts$`] },
    { path: inside('demo'), reachable: true },
  ),
]

const packagePaths = (name: string): string[] => [
  String.raw`node_modules/${quote(name)}[/.]`,
  String.raw`node_modules/@types/${quote(name)}[/.]`,
]

const bought = [
  rule(
    'package unlisted',
    'Every package that src imports stands in rooms.ts.',
    { path: '^src/' },
    {
      path: 'node_modules/',
      pathNot: [...Object.keys(packages), ...Object.keys(typesEverywhere)].flatMap(packagePaths),
    },
  ),
  ...Object.entries(packages).map(([name, where]) =>
    rule(
      `package ${name}`,
      `${name} belongs to: ${where.join(', ')}.`,
      { path: '^src/', pathNot: where.map(inside) },
      { path: packagePaths(name) },
    ),
  ),
  ...Object.entries(typesEverywhere).flatMap(([name, where]) => [
    rule(
      `package ${name}`,
      `The values of ${name} belong to: ${where.join(', ')}.`,
      { path: '^src/', pathNot: where.map(inside) },
      { path: packagePaths(name), dependencyTypesNot: ['type-only'] },
    ),
    rule(
      `package ${name}, types`,
      `Even the types of ${name} are not for the strict rooms.`,
      { path: (Object.keys(builtinsOnly) as Room[]).map(inside) },
      { path: packagePaths(name) },
    ),
  ]),
]

const core = (names: readonly string[]): string => `^(node:)?(${names.join('|')})(/|$)`

const builtins = [
  ...Object.entries(reachingBuiltins).map(([name, where]) =>
    rule(
      `builtin ${name}`,
      `node:${name} belongs to: ${where.join(', ') || 'nobody'}.`,
      { path: '^src/', ...(where.length === 0 ? {} : { pathNot: where.map(inside) }) },
      { path: core([name]), dependencyTypes: ['core'] },
    ),
  ),
  ...Object.entries(builtinsOnly).map(([room, names]) =>
    rule(
      `builtins of ${room}`,
      `Of Node, src/${room} may import: ${names.join(', ')}.`,
      { path: inside(room as Room) },
      { pathNot: core(names), dependencyTypes: ['core'] },
    ),
  ),
]

const shape = [
  rule(
    'room unknown',
    'Every file of src stands in a room of rooms.ts.',
    { path: '^src/', pathNot: known.map(inside) },
    {},
  ),
  rule(
    'cycle',
    'Arrows form a DAG, of files too; only a type may point back, within a room.',
    {},
    { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  ),
  rule('unresolved', 'What is imported exists.', {}, { couldNotResolve: true }),
  rule('orphan', 'A file that nobody imports and that imports nothing is dead.', { orphan: true }, {}),
  rule(
    'migrations stand alone',
    'A migration must mean the same for ever, so it uses nothing that changes.',
    { path: '^migrations/' },
    { path: '^src/' },
  ),
]

export const forbidden: readonly IForbiddenRuleType[] = [
  ...arrows,
  words,
  ...demo,
  ...bought,
  ...builtins,
  ...shape,
]
