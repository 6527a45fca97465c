import { subjectsOf } from '../../audit-log/index.ts'

type Fields = Readonly<Record<string, unknown>>

/** The fields of an event for people: without the salt, which keeps its hash from being guessed. */
export function fieldsOf(body: string): Fields {
  return Object.fromEntries(Object.entries(JSON.parse(body) as Fields).filter(([name]) => name !== 'salt'))
}

/** Whom and what an event is about, as search takes it: ids, fingerprints, domains. */
export function aboutOf(body: string): readonly string[] {
  return [...subjectsOf(JSON.parse(body) as Fields)].flatMap(subject => {
    const [kind = '', ...rest] = subject.split(':')
    if (rest.length === 0) return [subject]
    return kind === 'certificate' || kind === 'domain' ? [rest.join(':')] : []
  })
}

/** Who caused an event: the id or address of whom there is one, else the kind. */
export function actorOf(body: string): string {
  const { actor } = fieldsOf(body)
  if (typeof actor !== 'object' || actor === null) return ''
  const { kind, id, address } = actor as Readonly<Record<string, unknown>>
  return textOf(id) || textOf(address) || textOf(kind)
}

/** A string, or nothing. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
