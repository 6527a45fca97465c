/** HTTPS to servers that somebody else chose: a recipient's domain, a keyserver. */
export {
  type Fetched,
  type Fetcher,
  type FetcherOptions,
  type FetchFailure,
  openFetcher,
  type Poster,
  type Reply,
} from './fetcher.ts'
