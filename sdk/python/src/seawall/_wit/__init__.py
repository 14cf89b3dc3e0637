"""The side that meets the generated bindings. Imported only inside a component, by what build.py generates."""
