def get_memory_limit():
    return None
