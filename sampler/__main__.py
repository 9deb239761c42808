"""``python -m sampler`` is the ``sampler`` command."""

from sampler.cli.main import main

if __name__ == "__main__":
    main()
