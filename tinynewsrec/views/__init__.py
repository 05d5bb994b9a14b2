"""The app's tabs, in order. To add one, write a module like the others and list it here."""

VIEWS = ()
