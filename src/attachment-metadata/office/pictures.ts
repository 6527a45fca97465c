import { stripImage } from '../images/index.ts'
import type { Members } from './members.ts'

/** Pictures that hold drawing commands and no more about their making than a program's name, and fonts. */
const left = /\.(?:emf|wmf|svm|odttf|fntdata|ttf|otf)$/i

/**
 * Removes what the pictures of a document say about their making. False: there is a member that is neither XML nor such a picture; it
 * could hold anything.
 */
export function stripMembers(members: Members, known: (name: string) => boolean): boolean {
  for (const name of members.names()) {
    if (known(name) || left.test(name)) continue
    const content = members.read(name)
    if (content === undefined) return false
    const stripped = stripImage(content)
    if (stripped === undefined || stripped === 'none') return false
    if (!stripped.equals(content)) members.replace(name, stripped)
  }
  return true
}
