// The unit tests see English texts.
import { useTexts } from '../src/kit/i18n'
import { en } from '../src/messages/en'

useTexts('en', en)
