import { cruise } from 'dependency-cruiser'
import { forbidden } from './rules.ts'

export interface Survey {
  readonly modules: number
  readonly dependencies: number
  readonly violations: readonly { readonly rule: string; readonly from: string; readonly to: string }[]
}

/** Holds the rules of the house against `src/` and `migrations/` under `base`. Type-only imports count. */
export async function survey(base: string, folders: readonly string[]): Promise<Survey> {
  const { output } = await cruise([...folders], {
    baseDir: base,
    validate: true,
    ruleSet: { forbidden: [...forbidden] },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  })
  if (typeof output === 'string') throw new Error('dependency-cruiser answered in words')
  return {
    modules: output.summary.totalCruised,
    dependencies: output.summary.totalDependenciesCruised ?? 0,
    violations: output.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to })),
  }
}

/** What is wrong, one line each. A survey that saw nothing is wrong too: it would approve of everything. */
export function complaints({ modules, dependencies, violations }: Survey): readonly string[] {
  if (modules === 0 || dependencies === 0) {
    return [`the survey saw ${modules} modules and ${dependencies} dependencies: it is blind`]
  }
  return violations.map(({ rule, from, to }) => `${rule}: ${from} → ${to}`)
}
