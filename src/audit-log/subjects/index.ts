export { acceptance, deliverySubjects } from './build.ts'
export { type Found, findLeaves, type Wanted } from './find.ts'
export { type Indexing, openIndexing } from './follow.ts'
export { subjectsOf } from './subjects-of.ts'
