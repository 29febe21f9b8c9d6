using System.Text.Json;
using TorchSharp;
using TorchSharp.Modules;

namespace TorchSharpSoftmax.Examples;

/// <summary>Model, optimizer and random state in one folder, replaced as a whole, so that a resumed run continues bit for bit.</summary>
public static class Checkpoint
{
    public static bool ExistsIn(string folder) => File.Exists(Path.Combine(folder, "state.json"));

    /// <summary>What was saved, apart from the tensors.</summary>
    /// <typeparam name="TState">A record: the epoch, and the settings that the run depends on.</typeparam>
    public static TState ReadState<TState>(string folder) =>
        JsonSerializer.Deserialize<TState>(File.ReadAllText(Path.Combine(folder, "state.json")))
        ?? throw new InvalidDataException($"'{folder}' holds no checkpoint state.");

    public static void Save<TState>(string folder, TState state, torch.nn.Module model, OptimizerHelper optimizer)
    {
        // Written beside the old one and swapped in, so that a crash in between loses at most the newest epochs.
        string fresh = folder + ".new";
        string old = folder + ".old";
        Remove(fresh);
        Remove(old);
        Directory.CreateDirectory(fresh);
        model.save(Path.Combine(fresh, "model.bin"));
        optimizer.save_state_dict(Path.Combine(fresh, "optimizer.bin"));
        using (torch.Tensor random = torch.get_rng_state())
        {
            File.WriteAllBytes(Path.Combine(fresh, "random.bin"), random.bytes.ToArray());
        }

        File.WriteAllText(Path.Combine(fresh, "state.json"), JsonSerializer.Serialize(state));
        if (Directory.Exists(folder))
        {
            Directory.Move(folder, old);
        }

        Directory.Move(fresh, folder);
        Remove(old);
    }

    public static void Load(string folder, torch.nn.Module model, OptimizerHelper optimizer)
    {
        model.load(Path.Combine(folder, "model.bin"));
        optimizer.load_state_dict(Path.Combine(folder, "optimizer.bin"));
        using torch.Tensor random = torch.tensor(File.ReadAllBytes(Path.Combine(folder, "random.bin")), torch.ScalarType.Byte);
        torch.set_rng_state(random);
    }

    private static void Remove(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
