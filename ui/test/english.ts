// The unit tests see English texts.
import { useCatalogue } from '../src/kit/i18n'
import { en } from '../src/messages/en'

useCatalogue('en', en)
