"""What the model of engine files accepts, as pydantic-core is told. Made by tools/engine_validator.py."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.engine_files import rules
from reconciler.adapters.engine_files.shape import Shape

SCHEMA: dict[str, Any] = {
    "cls": Shape,
    "config": {"extra_fields_behavior": "forbid", "strict": True},
    "schema": {
        "fields": {
            "description": {
                "schema": {
                    "default": "",
                    "schema": {
                        "function": {"function": rules.readable, "type": "no-info"},
                        "schema": {"type": "str"},
                        "type": "function-after",
                    },
                    "type": "default",
                },
                "type": "model-field",
            },
            "lifecycle": {
                "schema": {
                    "default": None,
                    "schema": {
                        "cls": Shape,
                        "config": {"extra_fields_behavior": "forbid", "strict": True},
                        "schema": {
                            "fields": {
                                "max_source_age": {
                                    "schema": {
                                        "default": "",
                                        "schema": {
                                            "function": {"function": rules.length_of_time, "type": "no-info"},
                                            "schema": {"type": "str"},
                                            "type": "function-after",
                                        },
                                        "type": "default",
                                    },
                                    "type": "model-field",
                                },
                                "protect": {
                                    "schema": {
                                        "default": False,
                                        "schema": {"type": "bool"},
                                        "type": "default",
                                    },
                                    "type": "model-field",
                                },
                                "refresh_sources": {
                                    "schema": {
                                        "default": "report",
                                        "schema": {
                                            "function": {
                                                "function": rules.what_to_do_about_sources,
                                                "type": "no-info",
                                            },
                                            "schema": {"type": "str"},
                                            "type": "function-after",
                                        },
                                        "type": "default",
                                    },
                                    "type": "model-field",
                                },
                            },
                            "type": "model-fields",
                        },
                        "type": "model",
                    },
                    "type": "default",
                },
                "type": "model-field",
            },
            "locales": {
                "schema": {
                    "default": (),
                    "schema": {
                        "function": {"function": rules.no_duplicates, "type": "no-info"},
                        "schema": {
                            "items_schema": {
                                "function": {"function": rules.locale, "type": "no-info"},
                                "schema": {"type": "str"},
                                "type": "function-after",
                            },
                            "type": "list",
                        },
                        "type": "function-after",
                    },
                    "type": "default",
                },
                "type": "model-field",
            },
            "name": {
                "schema": {
                    "function": {"function": rules.one_line, "type": "no-info"},
                    "schema": {"max_length": 200, "type": "str"},
                    "type": "function-after",
                },
                "type": "model-field",
            },
            "outputs": {
                "schema": {
                    "default": (),
                    "schema": {
                        "items_schema": {
                            "function": {"function": rules.pointer_or_key, "type": "no-info"},
                            "schema": {
                                "cls": Shape,
                                "config": {"extra_fields_behavior": "forbid", "strict": True},
                                "schema": {
                                    "fields": {
                                        "file": {
                                            "schema": {
                                                "function": {"function": rules.not_blank, "type": "no-info"},
                                                "schema": {"type": "str"},
                                                "type": "function-after",
                                            },
                                            "type": "model-field",
                                        },
                                        "key": {
                                            "schema": {
                                                "default": "",
                                                "schema": {
                                                    "function": {
                                                        "function": rules.variable,
                                                        "type": "no-info",
                                                    },
                                                    "schema": {"type": "str"},
                                                    "type": "function-after",
                                                },
                                                "type": "default",
                                            },
                                            "type": "model-field",
                                        },
                                        "pointer": {
                                            "schema": {
                                                "default": "",
                                                "schema": {
                                                    "function": {
                                                        "function": rules.json_pointer,
                                                        "type": "no-info",
                                                    },
                                                    "schema": {"type": "str"},
                                                    "type": "function-after",
                                                },
                                                "type": "default",
                                            },
                                            "type": "model-field",
                                        },
                                    },
                                    "type": "model-fields",
                                },
                                "type": "model",
                            },
                            "type": "function-after",
                        },
                        "max_length": 20,
                        "type": "list",
                    },
                    "type": "default",
                },
                "type": "model-field",
            },
            "sources": {
                "schema": {
                    "default": (),
                    "schema": {
                        "items_schema": {
                            "choices": {
                                "content": {
                                    "function": {"function": rules.payload_or_file, "type": "no-info"},
                                    "schema": {
                                        "cls": Shape,
                                        "config": {"extra_fields_behavior": "forbid", "strict": True},
                                        "schema": {
                                            "fields": {
                                                "file": {
                                                    "schema": {
                                                        "default": "",
                                                        "schema": {
                                                            "function": {
                                                                "function": rules.not_blank,
                                                                "type": "no-info",
                                                            },
                                                            "schema": {"type": "str"},
                                                            "type": "function-after",
                                                        },
                                                        "type": "default",
                                                    },
                                                    "type": "model-field",
                                                },
                                                "payload": {
                                                    "schema": {
                                                        "default": "",
                                                        "schema": {
                                                            "function": {
                                                                "function": rules.not_blank,
                                                                "type": "no-info",
                                                            },
                                                            "schema": {"type": "str"},
                                                            "type": "function-after",
                                                        },
                                                        "type": "default",
                                                    },
                                                    "type": "model-field",
                                                },
                                                "type": {
                                                    "schema": {"expected": ["content"], "type": "literal"},
                                                    "type": "model-field",
                                                },
                                            },
                                            "type": "model-fields",
                                        },
                                        "type": "model",
                                    },
                                    "type": "function-after",
                                },
                                "link": {
                                    "cls": Shape,
                                    "config": {"extra_fields_behavior": "forbid", "strict": True},
                                    "schema": {
                                        "fields": {
                                            "payload": {
                                                "schema": {
                                                    "function": {
                                                        "function": rules.web_address,
                                                        "type": "no-info",
                                                    },
                                                    "schema": {"max_length": 2048, "type": "str"},
                                                    "type": "function-after",
                                                },
                                                "type": "model-field",
                                            },
                                            "type": {
                                                "schema": {"expected": ["link"], "type": "literal"},
                                                "type": "model-field",
                                            },
                                        },
                                        "type": "model-fields",
                                    },
                                    "type": "model",
                                },
                            },
                            "discriminator": "type",
                            "from_attributes": True,
                            "strict": False,
                            "type": "tagged-union",
                        },
                        "max_length": 10,
                        "type": "list",
                    },
                    "type": "default",
                },
                "type": "model-field",
            },
        },
        "type": "model-fields",
    },
    "type": "model",
}
