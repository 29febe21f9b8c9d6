using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            /// <summary>Every parameter and persistent buffer by its full name. A parameter that two modules share stands under both names.</summary>
            public virtual Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor> destination = null, string prefix = null)
            {
                destination ??= new Dictionary<string, Tensor>();
                foreach ((string own, Parameter parameter) in named_parameters())
                {
                    destination.TryAdd(Join(prefix, own), parameter);
                }

                foreach ((string own, Tensor buffer) in named_buffers(include_nonpersistent: false))
                {
                    destination.TryAdd(Join(prefix, own), buffer);
                }

                foreach ((string child, Module module) in _internal_submodules)
                {
                    module.state_dict(destination, Join(prefix, child));
                }

                return destination;
            }

            public virtual (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(
                Dictionary<string, Tensor> source, bool strict = true, IList<string> skip = null)
            {
                skip ??= Array.Empty<string>();
                Dictionary<string, Tensor> destination = state_dict();
                List<string> missing = destination.Keys.Where(key => !skip.Contains(key) && !source.ContainsKey(key)).ToList();
                List<string> unexpected = source.Keys.Where(key => !skip.Contains(key) && !destination.ContainsKey(key)).ToList();
                if (strict && missing.Count + unexpected.Count > 0)
                {
                    throw new InvalidOperationException(
                        $"The state does not fit the module: missing [{string.Join(", ", missing)}], unexpected [{string.Join(", ", unexpected)}].");
                }

                using IDisposable noGrad = no_grad();
                foreach ((string key, Tensor tensor) in source)
                {
                    if (!skip.Contains(key) && destination.TryGetValue(key, out Tensor target))
                    {
                        target.copy_(tensor);
                    }
                }

                return (missing, unexpected);
            }

            public Module save(string location, IList<string> skip = null)
            {
                using FileStream stream = File.Create(location);
                return save(stream, skip);
            }

            /// <summary>Saves to a stream, and closes it, as TorchSharp does.</summary>
            public Module save(Stream stream, IList<string> skip = null)
            {
                using BinaryWriter writer = new(stream);
                return save(writer, skip);
            }

            public Module save(BinaryWriter writer, IList<string> skip = null)
            {
                save_state_dict(writer, state_dict(), skip);
                return this;
            }

            public static void save_state_dict(BinaryWriter writer, Dictionary<string, Tensor> sd, IList<string> skip = null)
            {
                List<KeyValuePair<string, Tensor>> kept = sd.Where(entry => skip is null || !skip.Contains(entry.Key)).ToList();
                writer.Write7BitEncodedInt64(kept.Count);
                foreach ((string key, Tensor tensor) in kept)
                {
                    writer.Write(key);
                    tensor.Save(writer);
                }
            }

            public virtual Module load(string location, bool strict = true, IList<string> skip = null, Dictionary<string, bool> loadedParameters = null)
            {
                if (!File.Exists(location))
                {
                    throw new FileNotFoundException($"There is no file '{location}'.", location);
                }

                using FileStream stream = File.OpenRead(location);
                return load(stream, strict, skip, loadedParameters);
            }

            public Module load(Stream stream, bool strict = true, IList<string> skip = null, Dictionary<string, bool> loadedParameters = null)
            {
                using BinaryReader reader = new(stream);
                return load(reader, strict, skip, loadedParameters);
            }

            public virtual Module load(BinaryReader reader, bool strict = true, IList<string> skip = null, Dictionary<string, bool> loadedParameters = null)
            {
                Dictionary<string, Tensor> state = state_dict();
                long entries = reader.Read7BitEncodedInt64();
                if (strict && entries != state.Count)
                {
                    throw new ArgumentException($"The module has {state.Count} parameters and buffers; the stream holds {entries}.", nameof(reader));
                }

                for (long i = 0; i < entries; i++)
                {
                    string key = reader.ReadString();
                    bool found = state.TryGetValue(key, out Tensor target);
                    if (strict && !found)
                    {
                        throw new ArgumentException($"The stream holds '{key}'; the module has no such parameter or buffer.", nameof(reader));
                    }

                    if (found && (skip is null || !skip.Contains(key)))
                    {
                        target.Load(reader);
                    }
                    else
                    {
                        TensorExtensionMethods.Load(reader, skip: true).Dispose();
                    }

                    loadedParameters?.Add(key, found);
                }

                return this;
            }

            public static Module Create<T>(string path)
                where T : Module, new() => new T().load(path);

            private static string Join(string prefix, string own) => string.IsNullOrEmpty(prefix) ? own : $"{prefix}.{own}";
        }
    }
}
