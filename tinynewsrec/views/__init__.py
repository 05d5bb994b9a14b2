"""The app's tabs, in order. To add one, write a module like the others and list it here."""

from tinynewsrec.views import data, errors, headline, map, reader, speed, training, whatif, why

VIEWS = (reader, why, whatif, errors, map, speed, training, headline, data)
