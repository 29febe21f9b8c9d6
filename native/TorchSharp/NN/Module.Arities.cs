using System;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public abstract class Module<T, TResult>
            : HookableModule<Func<Module<T, TResult>, T, T>, Func<Module<T, TResult>, T, TResult, TResult>>, IModule<T, TResult>
        {
            protected Module(string name)
                : base(name)
            {
            }

            protected Module(IntPtr handle, IntPtr boxedHandle)
                : base(handle, boxedHandle)
            {
            }

            public abstract TResult forward(T input);

            public TResult call(T input)
            {
                RunModulePreHooks();
                foreach (Func<Module<T, TResult>, T, T> hook in pre_hooks.Values)
                {
                    T modified = hook(this, input);
                    if (modified is not null)
                    {
                        input = modified;
                    }
                }

                TResult result = forward(input);
                foreach (Func<Module<T, TResult>, T, TResult, TResult> hook in post_hooks.Values)
                {
                    TResult modified = hook(this, input, result);
                    if (modified is not null)
                    {
                        result = modified;
                    }
                }

                RunModulePostHooks();
                return result;
            }
        }

        public abstract class Module<T1, T2, TResult>
            : HookableModule<Func<Module<T1, T2, TResult>, T1, T2, (T1, T2)?>, Func<Module<T1, T2, TResult>, T1, T2, TResult, TResult>>, IModule<T1, T2, TResult>
        {
            protected Module(string name)
                : base(name)
            {
            }

            protected Module(IntPtr handle, IntPtr boxedHandle)
                : base(handle, boxedHandle)
            {
            }

            public abstract TResult forward(T1 input1, T2 input2);

            public TResult call(T1 input1, T2 input2)
            {
                RunModulePreHooks();
                foreach (Func<Module<T1, T2, TResult>, T1, T2, (T1, T2)?> hook in pre_hooks.Values)
                {
                    (T1, T2)? modified = hook(this, input1, input2);
                    if (modified.HasValue)
                    {
                        (input1, input2) = modified.Value;
                    }
                }

                TResult result = forward(input1, input2);
                foreach (Func<Module<T1, T2, TResult>, T1, T2, TResult, TResult> hook in post_hooks.Values)
                {
                    TResult modified = hook(this, input1, input2, result);
                    if (modified is not null)
                    {
                        result = modified;
                    }
                }

                RunModulePostHooks();
                return result;
            }
        }

        public abstract class Module<T1, T2, T3, TResult>
            : HookableModule<Func<Module<T1, T2, T3, TResult>, T1, T2, T3, (T1, T2, T3)?>, Func<Module<T1, T2, T3, TResult>, T1, T2, T3, TResult, TResult>>, IModule<T1, T2, T3, TResult>
        {
            protected Module(string name)
                : base(name)
            {
            }

            protected Module(IntPtr handle, IntPtr boxedHandle)
                : base(handle, boxedHandle)
            {
            }

            public abstract TResult forward(T1 input1, T2 input2, T3 input3);

            public TResult call(T1 input1, T2 input2, T3 input3)
            {
                RunModulePreHooks();
                foreach (Func<Module<T1, T2, T3, TResult>, T1, T2, T3, (T1, T2, T3)?> hook in pre_hooks.Values)
                {
                    (T1, T2, T3)? modified = hook(this, input1, input2, input3);
                    if (modified.HasValue)
                    {
                        (input1, input2, input3) = modified.Value;
                    }
                }

                TResult result = forward(input1, input2, input3);
                foreach (Func<Module<T1, T2, T3, TResult>, T1, T2, T3, TResult, TResult> hook in post_hooks.Values)
                {
                    TResult modified = hook(this, input1, input2, input3, result);
                    if (modified is not null)
                    {
                        result = modified;
                    }
                }

                RunModulePostHooks();
                return result;
            }
        }

        public abstract class Module<T1, T2, T3, T4, TResult>
            : HookableModule<Func<Module<T1, T2, T3, T4, TResult>, T1, T2, T3, T4, (T1, T2, T3, T4)?>, Func<Module<T1, T2, T3, T4, TResult>, T1, T2, T3, T4, TResult, TResult>>, IModule<T1, T2, T3, T4, TResult>
        {
            protected Module(string name)
                : base(name)
            {
            }

            protected Module(IntPtr handle, IntPtr boxedHandle)
                : base(handle, boxedHandle)
            {
            }

            public abstract TResult forward(T1 input1, T2 input2, T3 input3, T4 input4);

            public TResult call(T1 input1, T2 input2, T3 input3, T4 input4)
            {
                RunModulePreHooks();
                foreach (Func<Module<T1, T2, T3, T4, TResult>, T1, T2, T3, T4, (T1, T2, T3, T4)?> hook in pre_hooks.Values)
                {
                    (T1, T2, T3, T4)? modified = hook(this, input1, input2, input3, input4);
                    if (modified.HasValue)
                    {
                        (input1, input2, input3, input4) = modified.Value;
                    }
                }

                TResult result = forward(input1, input2, input3, input4);
                foreach (Func<Module<T1, T2, T3, T4, TResult>, T1, T2, T3, T4, TResult, TResult> hook in post_hooks.Values)
                {
                    TResult modified = hook(this, input1, input2, input3, input4, result);
                    if (modified is not null)
                    {
                        result = modified;
                    }
                }

                RunModulePostHooks();
                return result;
            }
        }

        public abstract class Module<T1, T2, T3, T4, T5, TResult>
            : HookableModule<Func<Module<T1, T2, T3, T4, T5, TResult>, T1, T2, T3, T4, T5, (T1, T2, T3, T4, T5)?>, Func<Module<T1, T2, T3, T4, T5, TResult>, T1, T2, T3, T4, T5, TResult, TResult>>, IModule<T1, T2, T3, T4, T5, TResult>
        {
            protected Module(string name)
                : base(name)
            {
            }

            protected Module(IntPtr handle, IntPtr boxedHandle)
                : base(handle, boxedHandle)
            {
            }

            public abstract TResult forward(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5);

            public TResult call(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5)
            {
                RunModulePreHooks();
                foreach (Func<Module<T1, T2, T3, T4, T5, TResult>, T1, T2, T3, T4, T5, (T1, T2, T3, T4, T5)?> hook in pre_hooks.Values)
                {
                    (T1, T2, T3, T4, T5)? modified = hook(this, input1, input2, input3, input4, input5);
                    if (modified.HasValue)
                    {
                        (input1, input2, input3, input4, input5) = modified.Value;
                    }
                }

                TResult result = forward(input1, input2, input3, input4, input5);
                foreach (Func<Module<T1, T2, T3, T4, T5, TResult>, T1, T2, T3, T4, T5, TResult, TResult> hook in post_hooks.Values)
                {
                    TResult modified = hook(this, input1, input2, input3, input4, input5, result);
                    if (modified is not null)
                    {
                        result = modified;
                    }
                }

                RunModulePostHooks();
                return result;
            }
        }

        public abstract class Module<T1, T2, T3, T4, T5, T6, TResult>
            : HookableModule<Func<Module<T1, T2, T3, T4, T5, T6, TResult>, T1, T2, T3, T4, T5, T6, (T1, T2, T3, T4, T5, T6)?>, Func<Module<T1, T2, T3, T4, T5, T6, TResult>, T1, T2, T3, T4, T5, T6, TResult, TResult>>, IModule<T1, T2, T3, T4, T5, T6, TResult>
        {
            protected Module(string name)
                : base(name)
            {
            }

            protected Module(IntPtr handle, IntPtr boxedHandle)
                : base(handle, boxedHandle)
            {
            }

            public abstract TResult forward(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5, T6 input6);

            public TResult call(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5, T6 input6)
            {
                RunModulePreHooks();
                foreach (Func<Module<T1, T2, T3, T4, T5, T6, TResult>, T1, T2, T3, T4, T5, T6, (T1, T2, T3, T4, T5, T6)?> hook in pre_hooks.Values)
                {
                    (T1, T2, T3, T4, T5, T6)? modified = hook(this, input1, input2, input3, input4, input5, input6);
                    if (modified.HasValue)
                    {
                        (input1, input2, input3, input4, input5, input6) = modified.Value;
                    }
                }

                TResult result = forward(input1, input2, input3, input4, input5, input6);
                foreach (Func<Module<T1, T2, T3, T4, T5, T6, TResult>, T1, T2, T3, T4, T5, T6, TResult, TResult> hook in post_hooks.Values)
                {
                    TResult modified = hook(this, input1, input2, input3, input4, input5, input6, result);
                    if (modified is not null)
                    {
                        result = modified;
                    }
                }

                RunModulePostHooks();
                return result;
            }
        }
    }
}
